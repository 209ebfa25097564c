import { describe, expect, it } from 'vitest';
import { Reliability } from '../../../src/core/requirements/reliability.ts';

describe('the reliability of an instance', () => {
  it('falls by an answer that is retracted as much as by a failure', () => {
    const [failed, retracted] = [new Reliability(), new Reliability()];
    for (const reliability of [failed, retracted]) {
      reliability.begin(0);
      for (let i = 0; i < 9; i++) reliability.observe(0, false);
    }
    failed.observe(0, true);
    retracted.observe(0, false);
    retracted.retract(0);
    expect(retracted.of(0)).toBeCloseTo(failed.of(0));
    expect(retracted.of(0)).toBeLessThan(0.91);
  });

  it('is not below nothing, however much is retracted', () => {
    const reliability = new Reliability();
    reliability.begin(0);
    reliability.observe(0, false);
    reliability.retract(0);
    reliability.retract(0);
    expect(reliability.of(0)).toBe(0);
  });
});
