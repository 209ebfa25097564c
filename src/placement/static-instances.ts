// Instances that stand in the configuration, as claims in the cache.

import type { ServiceConfig, StaticInstanceConfig } from '../config/config.ts';
import type { Instance } from '../core/domain.ts';
import { matches } from './acceptance.ts';
import type { Claims } from './cache/claims.ts';

/** The services before a reload and after it; `before` is empty at the start. */
export interface StaticChange {
  readonly before: readonly ServiceConfig[];
  readonly after: readonly ServiceConfig[];
}

/** Claims what the configuration names now, and drops what it named before and does not any more. `nowMs`: real time. */
export function claimStatic(claims: Claims, { before, after }: StaticChange, nowMs: number): void {
  const wanted = after.flatMap((service) =>
    service.instances
      .filter(({ labels }) => matches(labels, service.constraints))
      .map((instance) => staticInstance(service.name, instance)),
  );
  const gone = before
    .flatMap(({ name, instances }) => instances.map((instance) => staticInstance(name, instance)))
    .filter((old) => !wanted.some((now) => isSameName(now, old)));
  for (const instance of gone) claims.remove('static', instance, nowMs);
  for (const instance of wanted) claims.set('static', instance, { nowMs });
}

function staticInstance(service: string, config: StaticInstanceConfig): Instance {
  const { nodeId, id, scheme, host, port, labels, profile, rttMs } = config;
  return { service, nodeId, id, scheme, host, port, labels, rttMs, profile };
}

function isSameName(a: Instance, b: Instance): boolean {
  return a.service === b.service && a.nodeId === b.nodeId && a.id === b.id;
}
