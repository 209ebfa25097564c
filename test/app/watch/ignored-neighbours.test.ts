import { describe, expect, it } from 'vitest';
import { IgnoredNeighbours } from '../../../src/app/watch/ignored-neighbours.ts';

const MINUTE_MS = 60_000;

const ignored = (nodeId: string, key = 'n9/a') =>
  ({ kind: 'neighbour-ignored', nodeId, key, untilMs: MINUTE_MS }) as const;

describe('an event of an ignored neighbour', () => {
  it('is recorded once for each neighbour, service and reason, though four event loops ignore it minute after minute', () => {
    const neighbours = new IgnoredNeighbours();
    const recorded = Array.from({ length: 30 }, (_, minute) =>
      [0, 1, 2, 3].filter((loop) => neighbours.isNews('pilotnet', ignored('liar'), minute * MINUTE_MS + loop)),
    ).flat();
    expect(recorded).toEqual([0]);
    expect(neighbours.isNews('pilotnet', ignored('other'), 0)).toBe(true);
    expect(neighbours.isNews('pilotnet', ignored('liar', 'n9/b'), 0)).toBe(true);
    expect(neighbours.isNews('detector', ignored('liar'), 0)).toBe(true);
  });

  it('is recorded again when it was believed for ten minutes in between', () => {
    const neighbours = new IgnoredNeighbours();
    expect(neighbours.isNews('pilotnet', ignored('n1'), 0)).toBe(true);
    expect(neighbours.isNews('pilotnet', ignored('n1'), 11 * MINUTE_MS)).toBe(true);
  });

  it('lets all other events pass, and remembers a thousand at the most', () => {
    const neighbours = new IgnoredNeighbours();
    expect(neighbours.isNews('pilotnet', { kind: 'instance-well', key: 'n9/a' }, 0)).toBe(true);
    expect(neighbours.isNews('pilotnet', { kind: 'instance-well', key: 'n9/a' }, 0)).toBe(true);
    for (let n = 0; n <= 1_024; n++) neighbours.isNews('pilotnet', ignored(`n${n}`), n);
    expect(neighbours.isNews('pilotnet', ignored('n0'), 2_000)).toBe(true);
    expect(neighbours.isNews('pilotnet', ignored('n1024'), 2_000)).toBe(false);
  });
});
