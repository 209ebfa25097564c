import { describe, expect, it } from 'vitest';
import { checkPolicy, POLICY_NAMES } from '../../../src/core/policies/registry.ts';

describe('checkPolicy', () => {
  it('finds nothing wrong with any policy by its defaults', () => {
    for (const name of POLICY_NAMES) expect(checkPolicy({ name, options: {} })).toEqual([]);
  });

  it('names an unknown policy and the ones there are', () => {
    const [problem] = checkPolicy({ name: 'round-robbin', options: {} });
    expect(problem?.path).toBe('name');
    expect(problem?.message).toMatch(/^unknown policy "round-robbin", expected one of .*round-robin/);
  });

  it('names an option that the policy does not take', () => {
    expect(checkPolicy({ name: 'round-robin', options: { step: '1s' } })).toEqual([
      { path: 'step', message: 'unknown option "step", this policy takes none' },
    ]);
  });
});
