// What other event loops have in flight counts, and a loop learns of it by no attempt of its own.

import { describe, expect, it } from 'vitest';
import { SharedFlights, sharedFlightsMemory } from '../../../../src/core/router/shared-flights.ts';
import { createWorld, populate, REQUEST, type World } from '../../support.ts';

/** Requests at intervals of 10 ms that each take so long. */
class Load {
  readonly #world: World;
  #underway: { readonly endMs: number; readonly latencyMs: number; readonly ticket: number }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** How many were sent. */
  run(ms: number, latencyMs: number): number {
    const { router } = this.#world;
    let sent = 0;
    for (let passed = 0; passed < ms; passed += 10) {
      this.#finish();
      const { nowMs } = this.#world;
      const candidate = router.route(REQUEST, nowMs);
      if (candidate !== null) {
        this.#underway.push({ endMs: nowMs + latencyMs, latencyMs, ticket: router.start(candidate, nowMs) });
        sent++;
      }
      this.#world.pass(10);
    }
    return sent;
  }

  /** Ends what is under way, and sends nothing more. */
  end(): void {
    this.#world.pass(1_000);
    this.#finish();
  }

  #finish(): void {
    const { router, nowMs } = this.#world;
    for (const { ticket, latencyMs } of this.#underway.filter(({ endMs }) => endMs <= nowMs))
      router.finish(ticket, 'answered', latencyMs, nowMs);
    this.#underway = this.#underway.filter(({ endMs }) => endMs > nowMs);
  }
}

describe('what other event loops have in flight', () => {
  it('is looked at once in a hundredth of the latency limit, up to a millisecond, however many requests come', () => {
    const memory = sharedFlightsMemory(2, 7_654_321);
    const world = createWorld('qedge', { sharedFlights: new SharedFlights(memory, 0) });
    populate(world, [1, 10]);
    const other = new SharedFlights(memory, 1);
    const { router, nowMs } = world;
    const seenAt = (atMs: number): number[] => {
      router.route(REQUEST, nowMs + atMs);
      return router.candidates.map(({ inFlight }) => inFlight);
    };
    expect(seenAt(0)).toEqual([0, 0]);
    other.add(other.slotOf('pilotnet', 'node-0/a'), 3);
    other.add(other.slotOf('pilotnet', 'node-1/a'), 2);
    expect(seenAt(0.7)).toEqual([0, 0]);
    expect(seenAt(0.8)).toEqual([3, 2]);
  });
});

describe('an instance that other event loops filled', () => {
  it('has room again once they are through, though this loop had nothing in flight there that ended', () => {
    const memory = sharedFlightsMemory(2, 7_654_321);
    const world = createWorld('qedge', { sharedFlights: new SharedFlights(memory, 0) });
    populate(world, [1]);
    const other = new SharedFlights(memory, 1);
    const slot = other.slotOf('pilotnet', 'node-0/a');
    const load = new Load(world);
    other.add(slot, 50);
    load.run(10_000, 200);
    expect(load.run(1_000, 200)).toBe(0);
    other.add(slot, -50);
    expect(load.run(1_000, 9)).toBeGreaterThan(0);
  });

  it('is no evidence to a loop without requests, which holds its weights', () => {
    const memory = sharedFlightsMemory(2, 7_654_321);
    const world = createWorld('qedge', { sharedFlights: new SharedFlights(memory, 0) });
    populate(world, [1, 10, 40]);
    const other = new SharedFlights(memory, 1);
    other.add(other.slotOf('pilotnet', 'node-0/a'), 1);
    const load = new Load(world);
    load.run(3_000, 9);
    load.run(500, 200);
    load.end();
    const weights = (): number[] => world.router.state(world.nowMs).instances.map(({ weight }) => weight);
    world.pass(10_000);
    const before = weights();
    world.pass(60_000);
    expect(weights()).toEqual(before);
  });
});
