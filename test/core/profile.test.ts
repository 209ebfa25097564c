import { describe, expect, it } from 'vitest';
import { ofGroup, profileProblems, readProfile } from '../../src/core/profile.ts';

describe('a profile', () => {
  it('holds one number for all groups, or one for each, the last for all further ones', () => {
    const { accuracy, energyMwh } = readProfile({ accuracy: [78, 61], energy_mwh: 0.1 });
    expect([0, 1, 7].map((group) => ofGroup(accuracy, group))).toEqual([78, 61, 61]);
    expect(ofGroup(energyMwh, 3)).toBe(0.1);
  });

  it.each([[], [1, -1], 'high', Array(17).fill(1), Number.POSITIVE_INFINITY, 1e308, null, [[1]]])(
    'counts %j as not profiled, and says what is wrong with it',
    (accuracy) => {
      expect(readProfile({ accuracy }).accuracy).toBeNull();
      expect(profileProblems({ accuracy, other: 'x' })).toEqual([
        { path: 'accuracy', message: expect.stringContaining('expected a number from 0 to 1000000000000') },
      ]);
    },
  );

  it('may be missing', () => {
    expect(readProfile(null)).toEqual({ accuracy: null, energyMwh: null, inferenceMs: null, cost: null });
    expect(profileProblems({})).toEqual([]);
  });
});
