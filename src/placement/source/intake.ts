// What one source says, on its way into the cache: held to the same checks as what the broker says, compared with what the
// source said before, and taken in slices, so that thousands of instances do not hold up the traffic.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import type { Instance } from '../../core/domain.ts';
import type { Acceptance } from '../acceptance.ts';
import type { PlacementCache } from '../cache/placement-cache.ts';
import type { DiscoveredSource } from '../cache/records.ts';
import { BadMessage } from '../messages/bad-message.ts';
import { assertBounded } from '../messages/bounds.ts';
import { idOf } from '../messages/instance-name.ts';
import type { Rejections } from '../messages/rejections.ts';
import { ANNOUNCED_MAX, type Announced } from './source.ts';

export interface IntakeOptions {
  readonly source: DiscoveredSource;
  readonly cache: PlacementCache;
  readonly clock: Clock;
  readonly rejections: Rejections;
  /** Whether a node is near enough for a service. */
  readonly isNear: (nodeId: string, service: string) => boolean;
  /** The cache changed: grace periods may run. */
  readonly onChange: () => void;
}

/** What became of an instance that the source announced. */
interface Known {
  readonly instance: Instance;
  /** What it was judged by; null where there was no room for it, so that it is judged again each time. */
  readonly acceptance: Acceptance | null;
  readonly used: boolean;
}

/** The event loop is held by a source this long before everything else has its turn, ms. */
const SLICE_MS = 10;

export class SourceIntake {
  readonly #options: IntakeOptions;
  #acceptance: Acceptance | null = null;
  /** Null: the source has said nothing yet, and what a restart brought back stands. */
  #latest: readonly Announced[] | null = null;
  #known = new Map<string, Known>();
  #running = false;
  #again = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Takes in all that the source knows now. */
  take(all: readonly Announced[]): void {
    this.#latest = all;
    void this.#run();
  }

  /** Judges what is known by another configuration. */
  review(acceptance: Acceptance): void {
    this.#acceptance = acceptance;
    if (this.#latest !== null) void this.#run();
  }

  /** Instances in use, and those that are not. */
  get counts(): { readonly used: number; readonly leftOut: number } {
    let used = 0;
    for (const one of this.#known.values()) if (one.used) used++;
    return { used, leftOut: (this.#latest?.length ?? 0) - used };
  }

  async #run(): Promise<void> {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    while (this.#again) {
      this.#again = false;
      await this.#apply(this.#latest ?? []);
    }
    this.#running = false;
  }

  /** Ends early where there is something newer to take in. */
  async #apply(all: readonly Announced[]): Promise<void> {
    const now = new Map<string, Known>();
    // First, since what comes may take its place.
    const named = new Set(all.map(({ instance }) => idOf(instance)));
    this.#removeUnless((id) => named.has(id));
    let endMs = performance.now() + SLICE_MS;
    for (const announced of all) {
      this.#admit(announced, now);
      if (performance.now() < endMs) continue;
      await nextTurn();
      if (this.#again) return;
      endMs = performance.now() + SLICE_MS;
    }
    this.#removeUnless((id) => now.get(id)?.used === true);
    this.#known = now;
    this.#options.onChange();
  }

  #removeUnless(stays: (id: string) => boolean): void {
    const { source, cache, clock } = this.#options;
    for (const name of cache.claims.instancesOf(source)) {
      if (!stays(idOf(name))) cache.claims.remove(source, name, clock.nowMs());
    }
  }

  #admit({ instance, where }: Announced, now: Map<string, Known>): void {
    const acceptance = this.#acceptance;
    if (acceptance === null) return;
    const { source, cache, clock, rejections, isNear } = this.#options;
    const id = idOf(instance);
    try {
      if (now.has(id)) throw new BadMessage('duplicate', `${id.replace('\n', ' ')} is announced twice`);
      if (now.size >= ANNOUNCED_MAX) throw new BadMessage('limit', `more than ${ANNOUNCED_MAX} instances`);
      const before = this.#known.get(id);
      if (before?.acceptance === acceptance && isDeepStrictEqual(before.instance, instance)) {
        now.set(id, before);
        return;
      }
      now.set(id, { instance, acceptance, used: false });
      if (!this.#isUsable(instance, acceptance)) return;
      const { nodeId, service } = instance;
      const outOfReach = !isNear(nodeId, service);
      const refusal = cache.claims.set(source, instance, { nowMs: clock.nowMs(), outOfReach });
      if (refusal !== null) {
        now.set(id, { instance, acceptance: null, used: false });
        throw new BadMessage('limit', refusal);
      }
      now.set(id, { instance, acceptance, used: true });
    } catch (error) {
      rejections.add(where, error);
    }
  }

  /** False where its service is not served here, or demands other labels: nothing is wrong with it. @throws BadMessage */
  #isUsable(instance: Instance, acceptance: Acceptance): boolean {
    const { source } = this.#options;
    assertBounded(instance);
    if (!acceptance.fits(instance)) return false;
    // What a file or a container of this machine says is on loopback, is on this machine.
    const ofThisMachine = source === 'file' || source === 'docker';
    const refusal = acceptance.refusal(instance, { ofThisMachine });
    if (refusal !== null) throw new BadMessage('address', refusal);
    return true;
  }
}
