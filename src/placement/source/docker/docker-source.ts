// Containers of this machine that say by labels which service they are an instance of. The engine's events say that something
// changed, and the list is read again: whole, so that an event that was missed is made good by the next.

import { backoffMs } from '../../backoff.ts';
import type { Announced, PlacementSource, SourceContext } from '../source.ts';
import { instanceOf, nameOf, type Placing, type Reached } from './container.ts';
import { followEvents, listContainers } from './engine.ts';

/** `[placement.docker]`. */
export interface DockerSourceConfig {
  readonly socketPath: string;
  readonly reached: Reached;
}

/** Events come in flocks: the list is read so long after the first, ms. */
const FLOCK_MS = 50;
/** How often it is read without any event, ms: there is none for networks that come and go. */
const LOOK_MS = 30_000;

/** Follows the containers of the engine behind one socket. */
export class DockerSource implements PlacementSource {
  readonly #socketPath: string;
  readonly #placing: Placing;
  readonly #context: SourceContext;
  #leave: () => void = () => {};
  /** When the list is read again. */
  #listTimer: NodeJS.Timeout | null = null;
  #isSoon = false;
  #followTimer: NodeJS.Timeout | null = null;
  #listing: Promise<void> = Promise.resolve();
  #failures = 0;
  /** Why the list cannot be read, or the events not be followed. */
  readonly #troubles = { list: '', events: '' };
  #stopped = false;

  constructor({ socketPath, reached }: DockerSourceConfig, nodeId: string, context: SourceContext) {
    this.#socketPath = socketPath;
    this.#placing = { nodeId, reached };
    this.#context = context;
  }

  start(): void {
    this.#follow();
    this.#listIn(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#listTimer !== null) clearTimeout(this.#listTimer);
    if (this.#followTimer !== null) clearTimeout(this.#followTimer);
    this.#leave();
    await this.#listing;
  }

  /** Once they begin the list is read again, so that nothing happens unseen between the two. */
  #follow(): void {
    this.#leave = followEvents(this.#socketPath, {
      onEvent: () => {
        this.#failures = 0;
        this.#setTrouble('events', '');
        if (!this.#isSoon) this.#listIn(FLOCK_MS);
      },
      onEnd: (reason) => {
        this.#setTrouble('events', reason);
        if (this.#stopped) return;
        this.#followTimer = setTimeout(() => this.#follow(), backoffMs(this.#failures++, this.#context.rng));
        this.#followTimer.unref();
      },
    });
  }

  #listIn(waitMs: number): void {
    if (this.#stopped) return;
    if (this.#listTimer !== null) clearTimeout(this.#listTimer);
    this.#isSoon = waitMs < LOOK_MS;
    this.#listTimer = setTimeout(() => {
      this.#isSoon = false;
      this.#listing = this.#listing.then(() => this.#list());
    }, waitMs);
    this.#listTimer.unref();
  }

  /** What was listed before stands where it cannot be read: containers outlive their engine. */
  async #list(): Promise<void> {
    if (this.#stopped) return;
    try {
      const containers = await listContainers(this.#socketPath);
      this.#context.report(containers.flatMap((container) => this.#read(container) ?? []));
      this.#setTrouble('list', '');
    } catch (error) {
      this.#setTrouble('list', error instanceof Error ? error.message : String(error));
    }
    if (!this.#isSoon) this.#listIn(LOOK_MS);
  }

  #read(container: unknown): Announced | null {
    const where = `docker ${nameOf(container)}`;
    try {
      const instance = instanceOf(container, this.#placing);
      return instance === null ? null : { instance, where };
    } catch (error) {
      this.#context.refuse(where, error);
      return null;
    }
  }

  #setTrouble(of: 'list' | 'events', reason: string): void {
    this.#troubles[of] = reason;
    const worst = this.#troubles.list || this.#troubles.events;
    const hint = worst.includes('EACCES') ? '; the user of qedge must be in its group (docker)' : '';
    this.#context.setTrouble(worst === '' ? null : `${this.#socketPath}: ${worst}${hint}`);
  }
}
