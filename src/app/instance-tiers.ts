// The tier of the continuum that an instance stands on: its node says so when it is announced, which may be later than the
// instance itself. An instance in the configuration may say so by the label `tier`.

import { type Instance, instanceKey, type PlacementUpdate, TIERS, type Tier } from '../core/domain.ts';

const TIER_LABEL = 'tier';

type OnUpdate = (service: string, update: PlacementUpdate) => void;

export class InstanceTiers {
  readonly #onUpdate: OnUpdate;
  readonly #tiers = new Map<string, Tier>();
  /** As placement said, by service and key. */
  readonly #placed = new Map<string, Map<string, Instance>>();

  /** `onUpdate` gets what placement says, and again what concerns a node whose tier changed. */
  constructor(own: { readonly id: string; readonly tier: Tier | null }, onUpdate: OnUpdate) {
    this.#onUpdate = onUpdate;
    if (own.tier !== null) this.#tiers.set(own.id, own.tier);
  }

  placement(service: string, update: PlacementUpdate): void {
    const placed = this.#placed.get(service) ?? new Map<string, Instance>();
    this.#placed.set(service, placed);
    if (update.kind === 'instance-removed') placed.delete(update.key);
    if (update.kind !== 'instance-set') {
      this.#onUpdate(service, update);
      return;
    }
    placed.set(instanceKey(update.instance), update.instance);
    this.#onUpdate(service, { kind: 'instance-set', instance: this.#tiered(update.instance) });
  }

  /** A node was announced; `tier` null: it says none, or is gone. */
  node({ id, tier }: { readonly id: string; readonly tier: Tier | null }): void {
    if ((this.#tiers.get(id) ?? null) === tier) return;
    if (tier === null) this.#tiers.delete(id);
    else this.#tiers.set(id, tier);
    for (const [service, placed] of this.#placed) {
      for (const instance of placed.values()) {
        if (instance.nodeId === id) this.#onUpdate(service, { kind: 'instance-set', instance: this.#tiered(instance) });
      }
    }
  }

  #tiered(instance: Instance): Instance {
    const label = instance.labels[TIER_LABEL];
    const labelled = TIERS.find((tier) => tier === label) ?? null;
    return { ...instance, tier: this.#tiers.get(instance.nodeId) ?? labelled };
  }
}
