// What was learned of instances that placement has not reported yet. An instance of this very node is known only once its
// health check has passed, one of another node once the broker has spoken: what was kept of it waits for it.

import type { InstanceKey } from '../../core/domain.ts';
import type { RouterSnapshot, ServiceRouter } from '../../core/service-router.ts';

/** After this nothing is waited for any more: brokers and health checks have long answered. */
const WAIT_MS_MAX = 60_000;

type Table = Readonly<Record<string, unknown>>;

interface Waiting {
  readonly snapshot: RouterSnapshot;
  readonly policy: Table;
  readonly learned: Map<InstanceKey, unknown>;
  readonly ageMs: number;
  readonly sinceMs: number;
}

export class LateRestore {
  readonly #waiting = new Map<string, Waiting>();

  /** Restores a router now, and keeps what belongs to instances it does not know. */
  restore(
    router: ServiceRouter,
    kept: { readonly snapshot: RouterSnapshot; readonly ageMs: number },
    nowMs: number,
  ): void {
    const { snapshot, ageMs } = kept;
    router.restore(snapshot, ageMs, nowMs);
    const { policy } = snapshot;
    if (!isTable(policy) || !isTable(policy.instances)) return;
    const learned = new Map(Object.entries(policy.instances));
    for (const { key } of router.candidates) learned.delete(key);
    if (learned.size > 0) this.#waiting.set(router.service, { snapshot, policy, learned, ageMs, sinceMs: nowMs });
  }

  /** An instance was placed: gives the router what was kept of it, once. */
  arrived(router: ServiceRouter, key: InstanceKey, nowMs: number): void {
    const waiting = this.#waiting.get(router.service);
    if (waiting === undefined) return;
    const { snapshot, policy, learned, ageMs, sinceMs } = waiting;
    if (nowMs - sinceMs > WAIT_MS_MAX) {
      this.#waiting.delete(router.service);
      return;
    }
    if (!learned.has(key)) return;
    const { requirements: _, ...rest } = snapshot;
    const only = { ...rest, clients: [], policy: { ...policy, instances: { [key]: learned.get(key) } } };
    learned.delete(key);
    router.restore(only, ageMs + nowMs - sinceMs, nowMs);
  }
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
