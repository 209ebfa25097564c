import { describe, expect, it } from 'vitest';
import { RttTable } from '../../../src/core/router/rtt-table.ts';

describe('round trips by node', () => {
  it('step when they move by more than the ratio and by more than 2 ms', () => {
    const table = new RttTable(0.2);
    expect(table.observe('far', 50)).toEqual({ fromMs: null });
    expect(table.observe('far', 60)).toBeNull();
    expect(table.observe('far', 60.1)).toEqual({ fromMs: 50 });
    expect(table.observe('near', 1)).toEqual({ fromMs: null });
    expect(table.observe('near', 3)).toBeNull();
    expect(table.observe('near', 3.1)).toEqual({ fromMs: 1 });
  });

  it('step once when they creep, and are current all along', () => {
    const table = new RttTable(0.2);
    const steps = Array.from({ length: 21 }, (_, i) => table.observe('far', 50 + i)).filter((step) => step !== null);
    expect(steps).toEqual([{ fromMs: null }, { fromMs: 50 }]);
    expect(table.get('far')).toBe(70);
  });

  it('are assumed where nothing is measured: next to nothing on the own node, never out of reach elsewhere', () => {
    const table = new RttTable(0.2);
    expect([table.assumedMs(true, 80), table.assumedMs(false, 80)]).toEqual([0.5, 20]);
  });

  it('are kept of so many nodes and no more', () => {
    const table = new RttTable(0.2);
    for (let node = 0; node < 16_384; node++) table.observe(`n${node}`, 5);
    expect(table.observe('one too many', 7)).toEqual({ fromMs: null });
    expect(table.get('one too many')).toBeUndefined();
    expect(table.observe('n0', 9)).toEqual({ fromMs: 5 });
  });

  it('come back from a snapshot where they were not measured meanwhile, and what is no round trip does not', () => {
    const before = new RttTable(0.2);
    before.observe('far', 50.126);
    before.observe('near', 3);
    const after = new RttTable(0.2);
    after.observe('near', 8);
    after.restore({ ...JSON.parse(JSON.stringify(before.snapshot())), a: -1, b: null, c: 'x', d: Number.NaN });
    expect(after.snapshot()).toEqual({ near: 8, far: 50.13 });
    for (const wrong of [null, undefined, 5, 'x', []]) after.restore(wrong);
    expect(after.snapshot()).toEqual({ near: 8, far: 50.13 });
  });
});
