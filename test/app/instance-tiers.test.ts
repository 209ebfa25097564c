import { describe, expect, it } from 'vitest';
import { InstanceTiers } from '../../src/app/instance-tiers.ts';
import type { Instance, PlacementUpdate } from '../../src/core/domain.ts';
import { instanceAt } from '../support/proxy.ts';

function tiersOf(): { tiers: InstanceTiers; updates: PlacementUpdate[] } {
  const updates: PlacementUpdate[] = [];
  return {
    tiers: new InstanceTiers({ id: 'n1', tier: 'far-edge' }, (_service, update) => updates.push(update)),
    updates,
  };
}

const set = (instance: Instance): PlacementUpdate => ({ kind: 'instance-set', instance });
const tierOf = (update: PlacementUpdate | undefined) => (update?.kind === 'instance-set' ? update.instance.tier : '-');

describe('the tier of an instance', () => {
  it('is that of its node', () => {
    const { tiers, updates } = tiersOf();
    tiers.placement('svc', set(instanceAt('svc', 1, 0)));
    tiers.node({ id: 'n2', tier: 'cloud' });
    tiers.placement('svc', set(instanceAt('svc', 2, 1)));
    tiers.placement('svc', set(instanceAt('svc', 3, 2)));
    expect(updates.map(tierOf)).toEqual(['far-edge', 'cloud', null]);
  });

  it('is passed on when its node is announced later', () => {
    const { tiers, updates } = tiersOf();
    tiers.placement('svc', set(instanceAt('svc', 2, 1)));
    tiers.node({ id: 'n2', tier: 'near-edge' });
    tiers.node({ id: 'n2', tier: 'near-edge' });
    expect(updates.map(tierOf)).toEqual([null, 'near-edge']);
    tiers.placement('svc', { kind: 'instance-removed', key: 'n2/b' });
    tiers.node({ id: 'n2', tier: 'cloud' });
    expect(updates).toHaveLength(3);
  });

  it('may be a label of an instance whose node is not announced', () => {
    const { tiers, updates } = tiersOf();
    tiers.placement('svc', set({ ...instanceAt('svc', 2, 1), labels: { tier: 'cloud' } }));
    tiers.placement('svc', set({ ...instanceAt('svc', 2, 1), labels: { tier: 'attic' } }));
    expect(updates.map(tierOf)).toEqual(['cloud', null]);
  });
});
