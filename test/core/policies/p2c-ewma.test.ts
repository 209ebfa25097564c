import { describe, expect, it } from 'vitest';
import { SharedFlights, sharedFlightsMemory } from '../../../src/core/router/shared-flights.ts';
import { createWorld, populate, REQUEST, type World } from '../support.ts';

const extraOf = (world: World, node: number, name: string): number =>
  world.router.state(world.nowMs).instances[node]?.extra[name] ?? Number.NaN;

/** One try at a chosen instance. */
function observe(
  world: World,
  node: number,
  latencyMs: number,
  result: 'answered' | 'refused' | 'aborted' = 'answered',
): void {
  const candidate = world.router.candidates[node];
  if (candidate === undefined) throw new Error('no candidate');
  world.router.finish(world.router.start(candidate, world.nowMs), result, latencyMs, world.nowMs);
}

describe('p2c-ewma', () => {
  it('jumps to a peak at once and forgets it over the decay time', () => {
    const world = createWorld('p2c-ewma');
    populate(world, [1, 1]);
    observe(world, 0, 20);
    observe(world, 0, 100);
    expect(extraOf(world, 0, 'peakEwmaMs')).toBe(100);
    world.pass(10_000);
    expect(extraOf(world, 0, 'peakEwmaMs')).toBeCloseTo(100 / Math.E, 6);
    observe(world, 0, 20);
    expect(extraOf(world, 0, 'peakEwmaMs')).toBeCloseTo(100 / Math.E + 20 * (1 - 1 / Math.E), 6);
  });

  it('takes the lighter of two, counting what is in flight', () => {
    const world = createWorld('p2c-ewma');
    populate(world, [1, 1]);
    observe(world, 0, 20);
    observe(world, 1, 30);
    expect(world.router.route(REQUEST, world.nowMs)?.handle).toBe(0);
    const [first] = world.router.candidates;
    if (first === undefined) throw new Error('no candidate');
    world.router.start(first, world.nowMs);
    expect(world.router.route(REQUEST, world.nowMs)?.handle).toBe(1);
  });

  it('probes an instance that only other event loops keep busy', () => {
    const memory = sharedFlightsMemory(2, 7_654_321);
    const world = createWorld('p2c-ewma', { sharedFlights: new SharedFlights(memory, 0) });
    populate(world, [1, 1]);
    const other = new SharedFlights(memory, 1);
    other.add(other.slotOf('pilotnet', 'node-1/a'), 1);
    observe(world, 0, 20);
    expect(world.router.route(REQUEST, world.nowMs)?.handle).toBe(1);
  });

  it('probes an instance without latency history at most once', () => {
    const world = createWorld('p2c-ewma');
    populate(world, [1, 1]);
    observe(world, 0, 50);
    const probed = world.router.route(REQUEST, world.nowMs);
    expect(probed?.handle).toBe(1);
    if (probed !== null) world.router.start(probed, world.nowMs);
    expect(world.router.route(REQUEST, world.nowMs)?.handle).toBe(0);
  });

  it('does not take failing fast for being fast', () => {
    const world = createWorld('p2c-ewma');
    populate(world, [1, 1]);
    observe(world, 0, 30);
    observe(world, 1, 1, 'refused');
    expect(world.router.route(REQUEST, world.nowMs)?.handle).toBe(0);
  });

  it('takes a client that gave up after the limit for a failure, and one that left before for nothing', () => {
    const world = createWorld('p2c-ewma');
    populate(world, [1, 1]);
    observe(world, 0, 30);
    observe(world, 0, 79, 'aborted');
    expect(extraOf(world, 0, 'peakEwmaMs')).toBe(30);
    observe(world, 0, 81, 'aborted');
    expect(extraOf(world, 0, 'peakEwmaMs')).toBe(240);
  });

  it('shows the share of draws that each instance wins', () => {
    const world = createWorld('p2c-ewma');
    populate(world, [1, 1, 1]);
    [10, 20, 30].forEach((latencyMs, node) => {
      observe(world, node, latencyMs);
    });
    expect(world.router.state(world.nowMs).instances.map(({ weight }) => weight)).toEqual([2 / 3, 1 / 3, 0]);
  });
});
