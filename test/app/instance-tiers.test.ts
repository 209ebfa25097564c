import { describe, expect, it } from 'vitest';
import { InstanceTiers } from '../../src/app/instance-tiers.ts';
import type { Instance, PlacementUpdate } from '../../src/core/domain.ts';
import { instanceAt } from '../support/proxy.ts';

function tiersOf(): { tiers: InstanceTiers; told: PlacementUpdate[] } {
  const told: PlacementUpdate[] = [];
  return { tiers: new InstanceTiers({ id: 'n1', tier: 'far-edge' }, (_service, update) => told.push(update)), told };
}

const set = (instance: Instance): PlacementUpdate => ({ kind: 'instance-set', instance });
const tierOf = (update: PlacementUpdate | undefined) => (update?.kind === 'instance-set' ? update.instance.tier : '-');

describe('the tier of an instance', () => {
  it('is that of its node', () => {
    const { tiers, told } = tiersOf();
    tiers.placement('svc', set(instanceAt('svc', 1, 0)));
    tiers.node({ id: 'n2', tier: 'cloud' });
    tiers.placement('svc', set(instanceAt('svc', 2, 1)));
    tiers.placement('svc', set(instanceAt('svc', 3, 2)));
    expect(told.map(tierOf)).toEqual(['far-edge', 'cloud', null]);
  });

  it('is passed on when its node is announced later', () => {
    const { tiers, told } = tiersOf();
    tiers.placement('svc', set(instanceAt('svc', 2, 1)));
    tiers.node({ id: 'n2', tier: 'near-edge' });
    tiers.node({ id: 'n2', tier: 'near-edge' });
    expect(told.map(tierOf)).toEqual([null, 'near-edge']);
    tiers.placement('svc', { kind: 'instance-removed', key: 'n2/b' });
    tiers.node({ id: 'n2', tier: 'cloud' });
    expect(told).toHaveLength(3);
  });

  it('may be a label of an instance whose node is not announced', () => {
    const { tiers, told } = tiersOf();
    tiers.placement('svc', set({ ...instanceAt('svc', 2, 1), labels: { tier: 'cloud' } }));
    tiers.placement('svc', set({ ...instanceAt('svc', 2, 1), labels: { tier: 'attic' } }));
    expect(told.map(tierOf)).toEqual(['cloud', null]);
  });
});
