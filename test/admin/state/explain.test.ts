import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/admin/state/explain.ts';
import type { Candidate } from '../../../src/core/domain.ts';
import type { RoutePreview } from '../../../src/core/service-router.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

const near = instanceStateOf('near', { weight: 0.7, successProbability: 0.98, note: 'meets the target' });
const far = instanceStateOf('far', { weight: 0.3, note: 'below the target: explored' });
const cold = instanceStateOf('cold', { weight: 0, pool: 'out', cooldownMs: 4_200, note: 'after 3 misses in a row' });

const previewOf = (key: string | null, changes: Partial<RoutePreview> = {}): RoutePreview => ({
  candidate: key === null ? null : ({ key } as Candidate),
  tier: 'policy',
  byChance: false,
  ...changes,
});

describe('explain', () => {
  it('says how many event loops would send it where, and which way most go', () => {
    const previews = [previewOf('far/a'), previewOf('near/a'), previewOf('near/a')];
    const explained = explain(routerStateOf({ instances: [cold, far, near] }), previews, '');
    expect(explained).toMatchObject({ eventLoops: 3, chosen: 'near/a' });
    expect(explained.candidates.map(({ key, eventLoops, chosen }) => [key, eventLoops, chosen])).toEqual([
      ['near/a', 2, true],
      ['far/a', 1, false],
      ['cold/a', 0, false],
    ]);
    expect(explained.candidates[1]?.reason).toBe('next in 1 of 3 event loops: weight 30.0 %');
  });

  it('says why the chosen one was chosen and why each other was not, the chosen one first', () => {
    const explained = explain(routerStateOf({ instances: [cold, far, near] }), [previewOf('near/a')], 'camera-1');
    expect(explained).toMatchObject({ chosen: 'near/a', clientId: 'camera-1' });
    expect(explained.candidates.map(({ key, reason }) => [key, reason])).toEqual([
      ['near/a', 'next by qedgeproxy: weight 70.0 %, 98.0 % of its answers expected within 80 ms (meets the target)'],
      ['far/a', 'not its turn: weight 30.0 % (below the target: explored)'],
      ['cold/a', 'ejected for 4.2 s (after 3 misses in a row)'],
    ]);
  });

  it('says so when the policy draws lots, falls back, or has no candidate', () => {
    const state = routerStateOf({ instances: [near, cold], policy: 'random' });
    expect(explain(state, [previewOf(null, { byChance: true })], '').reason).toContain('draws lots');
    expect(explain(state, [previewOf(null, { byChance: true })], '').candidates[0]?.reason).toBe(
      'may be drawn: weight 70.0 % (meets the target)',
    );
    expect(explain(state, [previewOf('cold/a', { tier: 'ejected' })], '').reason).toContain('back first, in 4.2 s');
    expect(explain(state, [previewOf('near/a', { tier: 'fallback' })], '').reason).toContain('wants none');
    expect(explain(state, [previewOf('near/a', { tier: 'last-resort' })], '').reason).toContain('only suspect');
    expect(explain(routerStateOf({ instances: [] }), [previewOf(null)], '').reason).toContain('503 no-instance');
  });

  it('says of a policy that compares what it takes, and speaks of no lots but between equals', () => {
    const compare = (policy: string) =>
      explain(routerStateOf({ instances: [near], policy }), [previewOf(null, { byChance: true })], '');
    expect(compare('multi-objective').reason).toBe(
      'multi-objective takes the least score of time and energy among the accurate ones, one of equals by lot',
    );
    expect(compare('multi-objective').candidates[0]?.reason).toBe('may be taken (meets the target)');
    for (const policy of ['lowest-energy', 'lowest-time', 'highest-accuracy', 'least-connections', 'p2c-ewma'])
      expect(compare(policy).reason, policy).toMatch(new RegExp(`^${policy} (takes|draws two)`));
    for (const policy of ['random', 'proxy-mity', 'dec-sarsa'])
      expect(compare(policy).reason, policy).toBe(`${policy} draws lots: each instance gets its weight`);
  });
});
