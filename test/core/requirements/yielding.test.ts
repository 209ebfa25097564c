import { describe, expect, it } from 'vitest';
import { Yielding } from '../../../src/core/requirements/yielding.ts';
import { ACCURACY_SHARE, QOS } from '../support.ts';

const ACCURATE = 1;
const OTHERS = 0;

/** A step of half a second in which so many of ten requests at the accurate instances are late, and none of two at the others. */
function step(yielding: Yielding, late: number): number {
  yielding.record(ACCURATE, 10, 10 - late);
  yielding.record(OTHERS, 2, 2);
  yielding.step(0.5, true);
  return yielding.shares[0] as number;
}

describe('a share that yields to the latency goal', () => {
  const settled = (): Yielding => {
    const yielding = new Yielding([ACCURACY_SHARE], QOS);
    for (let i = 0; i < 20; i++) step(yielding, 0);
    return yielding;
  };
  const heldAfter = (lates: readonly number[]): number => {
    const yielding = settled();
    return Math.min(...lates.map((late) => step(yielding, late)));
  };

  it('is not moved by misses that come all at once', () => {
    expect(heldAfter([10, 0, 0, 0, 0, 0])).toBe(0.8);
    // A pause may fall into two steps.
    expect(heldAfter([5, 5, 0, 0, 0, 0])).toBe(0.8);
  });

  it('yields to as many that go on', () => {
    expect(heldAfter([4, 4, 4, 4, 4, 4])).toBeLessThan(0.6);
    expect(heldAfter([10, 10, 10, 10])).toBeLessThan(0.4);
  });
});
