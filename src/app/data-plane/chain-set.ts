// The chains of one data plane. A reload keeps what was learned of those that stay as they are; the store keeps it with the
// service that the chain begins with.

import type { Config } from '../../config/config.ts';
import { Chain, type ChainOptions, type ChainState } from '../../core/chain/chain.ts';
import type { RouterSnapshot } from '../../core/service-router.ts';
import { recordOf } from '../../core/snapshot-shape.ts';

interface Entry {
  readonly chain: Chain;
  readonly options: ChainOptions;
}

export class ChainSet {
  readonly #entries = new Map<string, Entry>();

  constructor(config: Config) {
    this.reload(config);
  }

  get chains(): ReadonlyMap<string, Chain> {
    return new Map([...this.#entries].map(([name, { chain }]) => [name, chain]));
  }

  /** Until something is learned, a stage's work is estimated by the limit of its service. */
  reload({ chains, services }: Config): void {
    const known = new Map(this.#entries);
    this.#entries.clear();
    for (const { name, stages, qos } of chains) {
      const work = stages.map((stage) => services.find((one) => one.name === stage)?.qos.latencyMs ?? 1);
      const { latencyMs, successRatio, windowMs } = qos;
      const options = { name, stages, goal: { latencyMs, successRatio, windowMs }, work };
      const same = known.get(name);
      const stays = same !== undefined && JSON.stringify(same.options) === JSON.stringify(options);
      this.#entries.set(name, stays ? same : { chain: new Chain(options), options });
    }
  }

  states(nowMs: number): ChainState[] {
    return [...this.#entries.values()].map(({ chain }) => chain.state(nowMs));
  }

  /** The snapshot of a service, with what is kept of the chains that begin with it. */
  added(snapshot: RouterSnapshot, nowMs: number): RouterSnapshot {
    const own = [...this.#entries.values()].filter(({ options }) => options.stages[0] === snapshot.service);
    if (own.length === 0) return snapshot;
    const kept = own.map(({ chain }) => [chain.name, chain.snapshot(nowMs)]);
    return { ...snapshot, chains: Object.fromEntries(kept) };
  }

  restore(snapshots: readonly RouterSnapshot[], ageMs: number, nowMs: number): void {
    for (const { chains } of snapshots) {
      for (const [name, kept] of Object.entries(recordOf(chains))) {
        this.#entries.get(name)?.chain.restore(kept, ageMs, nowMs);
      }
    }
  }
}
