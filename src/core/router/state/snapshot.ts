// What a router keeps over a restart, and takes back where it still fits. Instances come from placement, never from here.

import { restoreRequirements, snapshotRequirements } from '../../requirements/snapshot.ts';
import type { RouterSnapshot } from '../../service-router.ts';
import type { RouterParts } from '../parts.ts';

/** As plain JSON, ages relative to `nowMs`. */
export function routerSnapshot(parts: RouterParts, nowMs: number): RouterSnapshot {
  const { options, policy, members, clients, offers } = parts;
  return {
    version: 1,
    service: options.service,
    fingerprint: fingerprintOf(parts),
    rtts: members.rtts.snapshot(),
    policy: policy.snapshot(nowMs),
    clients: clients.snapshot(nowMs),
    ...(offers === null ? {} : { requirements: snapshotRequirements(offers.books, offers.rows(nowMs)) }),
  };
}

/** Takes back what fits from a snapshot that is `ageMs` old. One of another service, policy or goal is passed over. */
export function restoreRouter(
  parts: RouterParts,
  { snapshot, ageMs }: { readonly snapshot: RouterSnapshot; readonly ageMs: number },
  nowMs: number,
): void {
  const { options, policy, members, clients, offers } = parts;
  const { version, service, fingerprint } = snapshot;
  const fits = version === 1 && service === options.service && fingerprint === fingerprintOf(parts);
  if (!fits || !(ageMs >= 0)) return;
  members.restoreRtts(snapshot.rtts);
  policy.update(members.set.admitted, nowMs);
  policy.restore(snapshot.policy, ageMs, nowMs);
  clients.restore(snapshot.clients, ageMs, nowMs);
  if (offers === null || snapshot.requirements === undefined) return;
  restoreRequirements(offers.books, snapshot.requirements, (clientId) => offers.knownRow(clientId));
}

/** What the learned is good for: the goal, the policy with its options, and what else is asked for. */
function fingerprintOf({ options, offers }: RouterParts): string {
  const { service, qos, policy, prefer = [] } = options;
  const choices = Object.entries(policy.options).sort(([a], [b]) => (a < b ? -1 : 1));
  const groups = prefer.length === 0 ? [] : [prefer];
  const more = offers === null ? [] : [offers.books.asked];
  return JSON.stringify([
    service,
    qos.latencyMs,
    qos.successRatio,
    qos.windowMs,
    policy.name,
    choices,
    ...groups,
    ...more,
  ]);
}
