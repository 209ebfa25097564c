import { describe, expect, it } from 'vitest';
import { SeenByWorker } from '../../../src/app/workers/seen-by-worker.ts';
import { Saying } from '../../../src/core/neighbours/saying.ts';
import { mergeInSpace, type Summary } from '../../../src/core/neighbours/summary.ts';

const summary = (spanMs: number, counts: readonly number[]): Summary => ({
  spanMs,
  instances: [{ key: 'n/a', counts, failures: 0, perSecond: 10, inFlight: 1 }],
});

describe('what a worker saw', () => {
  it('counts once, and leaves it as busy until its next report', () => {
    const seen = new SeenByWorker();
    seen.add([['s', summary(1_000, [0, 10])]]);
    seen.add([['s', summary(1_000, [2, 8])]]);
    expect(seen.take().get('s')).toEqual(summary(2_000, [2, 18]));
    expect(seen.take().get('s')).toEqual(summary(1, [0, 0]));
    seen.add([]);
    expect(seen.take()).toEqual(new Map());
  });

  it.each([0, 1])('is part of how busy the node is said to be, with reports in half second %i of two', (phase) => {
    const seen = new SeenByWorker();
    const saying = new Saying();
    const said = Array.from({ length: 12 }, (_, turn) => {
      if (turn % 2 === phase) seen.add([['s', summary(1_000, [0, 10])]]);
      const own = summary(500, [0, 5]);
      const others = seen.take().get('s');
      return saying.next(others === undefined ? own : mergeInSpace(own, others), 500 * turn)?.instances[0];
    }).filter((one) => one !== undefined);
    expect(said.length).toBeGreaterThan(2);
    expect(said.slice(1).map(({ perSecond }) => perSecond)).toEqual(said.slice(1).map(() => 20));
  });
});
