import { describe, expect, it } from 'vitest';
import { observedSites } from '../../../src/plan/placement/observed.ts';
import { parseSites } from '../../../src/plan/placement/sites-file.ts';
import { rttOf } from '../../../src/plan/placement/task.ts';

const DEFAULTS = { latencyMs: 80, successRatio: 0.9, workMs: 5, load: 1 };

describe('what running nodes have measured', () => {
  it('is a task with the lesser of both ends, and the shortest way where nothing was measured', () => {
    const { csv, estimated } = observedSites([
      {
        node: 'a',
        rate: 12,
        rttMs: new Map([
          ['b', 10],
          ['c', 4],
        ]),
      },
      { node: 'b', rate: 3, rttMs: new Map([['a', 8]]) },
    ]);
    expect(estimated).toBe(1);
    const task = parseSites('nodes', csv, DEFAULTS);
    expect(task.nodes).toEqual(['a', 'b', 'c']);
    expect([...task.rates].map((rate) => Math.round(rate * 100) / 100)).toEqual([12, 3, 0]);
    expect([rttOf(task, 0, 1), rttOf(task, 1, 2), rttOf(task, 2, 0)]).toEqual([8, 12, 4]);
  });

  it('keeps what was measured, also where a way over another node is shorter', () => {
    const { csv } = observedSites([
      {
        node: 'a',
        rate: 1,
        rttMs: new Map([
          ['b', 50],
          ['c', 1],
        ]),
      },
      { node: 'c', rate: 0, rttMs: new Map([['b', 1]]) },
    ]);
    const task = parseSites('nodes', csv, DEFAULTS);
    expect(rttOf(task, 0, 1)).toBe(50);
  });

  it('is refused where there are more nodes than a table holds, before their distances are looked at', () => {
    const near = Array.from({ length: 2_000 }, (_, i) => [`n${i}`, 1] as const);
    expect(() => observedSites([{ node: 'a', rate: 1, rttMs: new Map(near) }])).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ message: expect.stringContaining('got 2001') })],
      }),
    );
  });

  it('is refused where a node is called as a column is', () => {
    const { csv } = observedSites([{ node: 'work', rate: 1, rttMs: new Map([['b', 5]]) }]);
    expect(() => parseSites('nodes', csv, DEFAULTS)).toThrow(/"work" is a column, and no name of a node/);
  });
});
