// When clients ask, and what for: at times of their own or, where they wait for their answers, some time after each. All of it is drawn
// from streams of its own, so that two policies meet the same requests.

import type { Rng } from '../core/rng.ts';
import { type Agenda, EVENT } from './events/agenda.ts';
import { createStream, exponential } from './random.ts';
import { ClientGroups } from './world/client-groups.ts';
import { Spells } from './world/spells.ts';
import type { World, WorldClient } from './world/world.ts';

/** The requests of all clients of a world, each an event `emit` of the agenda. Clients are indices of the world's. */
export class Emissions {
  readonly #clients: readonly WorldClient[];
  readonly #agenda: Agenda;
  readonly #times: Rng;
  /** The spells of each client. */
  readonly #spells: readonly Spells[];
  /** The groups of each client; null where its requests are all alike. */
  readonly #groups: readonly (ClientGroups | null)[];
  /** The draws of each client; null where it does not wait for its answers. */
  readonly #thinking: readonly (Rng | null)[];

  constructor({ clients }: World, seed: number, agenda: Agenda) {
    this.#clients = clients;
    this.#agenda = agenda;
    this.#times = createStream(seed, 'emissions');
    this.#spells = clients.map((client) => new Spells(this.#times, client, client.firstMs));
    this.#groups = clients.map(({ groups }, c) =>
      groups === null
        ? null
        : new ClientGroups(createStream(seed, 'groups', c), groups, createStream(seed, 'counts', c)),
    );
    this.#thinking = clients.map(({ thinkMs }, c) => (thinkMs === null ? null : createStream(seed, 'think', c)));
  }

  /** Puts the first request of each client on the agenda. */
  begin(): void {
    for (const [c, { firstMs, untilMs }] of this.#clients.entries()) {
      if (firstMs < untilMs) this.#agenda.push(firstMs, EVENT.emit, c);
    }
  }

  /** The client asks now, which decides when it asks next where it does not wait. Returns the group of its requests. */
  ask(c: number): number {
    const { nowMs } = this.#agenda;
    const { thinkMs, pattern, periodMs } = this.#clients[c] as WorldClient;
    if (thinkMs === null) {
      const gapMs = pattern === 'periodic' ? periodMs : exponential(this.#times, periodMs);
      this.#askAt((this.#spells[c] as Spells).after(nowMs + gapMs), c);
    }
    return this.#groups[c]?.at(nowMs) ?? 0;
  }

  /** The client has its answer, or none to wait for any more. */
  ended(c: number): void {
    const { thinkMs } = this.#clients[c] as WorldClient;
    const rng = this.#thinking[c];
    if (thinkMs === null || rng === null || rng === undefined) return;
    this.#askAt(this.#agenda.nowMs + exponential(rng, thinkMs), c);
  }

  /** The group that a request of the client is taken for by an instance of this accuracy; null where all requests are alike. */
  counted(c: number, group: number, accuracy: number): number | null {
    return this.#groups[c]?.counted(group, accuracy) ?? null;
  }

  #askAt(nextMs: number, c: number): void {
    if (nextMs < (this.#clients[c] as WorldClient).untilMs) this.#agenda.push(nextMs, EVENT.emit, c);
  }
}
