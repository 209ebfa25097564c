// What an instance is doing, in a word, how far a requirement is met, and what a request costs, the same wherever people read it.

import { meanOf, readProfile } from './profile.ts';
import type { RequirementLevel } from './requirements/level.ts';
import type { InstanceState } from './service-router.ts';
import type { ReasonShare } from './verdict/reason.ts';

/** Clients of a service that people are shown, the worst first. */
export const CLIENTS_SHOWN_MAX = 100;

export interface Standing {
  readonly word: string;
  readonly kind: 'good' | 'explore' | 'warn' | 'bad' | 'out';
}

/** `0.1 s` and up: what is left of a cooldown is never nothing. */
export function cooldownText(cooldownMs: number): string {
  return `${(Math.ceil(cooldownMs / 100) / 10).toFixed(1)} s`;
}

/** What an instance is doing. The worst that is true of it counts. */
export function standingOf(instance: InstanceState): Standing {
  if (instance.lacks.length > 0) return { word: 'barred', kind: 'out' };
  if (instance.availability === 'draining') return { word: 'draining', kind: 'warn' };
  if (instance.availability === 'suspect') return { word: 'suspect', kind: 'bad' };
  if (instance.cooldownMs > 0) return { word: `ejected ${cooldownText(instance.cooldownMs)}`, kind: 'bad' };
  switch (instance.pool) {
    case 'exploitation':
      return { word: 'exploitation', kind: 'good' };
    case 'exploration':
      return { word: 'exploration', kind: 'explore' };
    case 'out':
      return { word: 'out', kind: 'out' };
  }
}

/** `status 503 40 %, reset 3 %`: of its last attempts. Empty when nothing is held against the instance. */
export function reasonsText(reasons: readonly ReasonShare[]): string {
  return reasons.map(({ reason, share }) => `${reason} ${Math.max(1, Math.round(share * 100))} %`).join(', ');
}

type Seen = Pick<InstanceState, 'successProbability' | 'requests' | 'samples'>;

/** Null before it was asked or heard of: what a policy expects of a newcomer was not seen. */
export function seenSuccess({ successProbability, requests, samples }: Seen): number | null {
  return requests === 0 && samples === 0 ? null : successProbability;
}

/** `2 exploitation, 1 exploration, 0 out`. */
export function poolsText(instances: readonly InstanceState[]): string {
  const count = (wanted: InstanceState['pool']): string =>
    `${instances.filter(({ pool }) => pool === wanted).length} ${wanted}`;
  return `${count('exploitation')}, ${count('exploration')}, ${count('out')}`;
}

/**
 * `accuracy 74.0 % (80 % wanted)`, `mean-latency 62 ms (at most 50 ms wanted)`, `throughput 18.0/s (20.0/s wanted)`; of all clients
 * `throughput of 20.0/s to each`.
 */
export function requirementText({ requirement, level, goal }: RequirementLevel): string {
  const text = (value: number): string => {
    if (requirement === 'mean-latency') return `${Math.round(value)} ms`;
    return requirement === 'throughput' ? `${value.toFixed(1)}/s` : `${(value * 100).toFixed(1).replace('.0', '')} %`;
  };
  if (requirement === 'throughput' && level === null) return `throughput of ${text(goal)} to each`;
  const most = requirement === 'mean-latency' ? 'at most ' : '';
  return `${requirement} ${level === null ? 'unknown' : text(level)} (${most}${text(goal)} wanted)`;
}

type Sharing = readonly Pick<InstanceState, 'instance' | 'requestsPerSecond'>[];

/** What a request takes on average, as instances share the requests now, mWh; null where none of them says. */
export const energyPerRequest = (instances: Sharing): number | null => perRequest(instances, 'energyMwh');

/** What it costs likewise, in the currency of the profiles, in three digits; null where none of them says. */
export function costPerRequest(instances: Sharing): string | null {
  const cost = perRequest(instances, 'cost');
  return cost === null ? null : String(Number(cost.toPrecision(3)));
}

function perRequest(instances: Sharing, spent: 'energyMwh' | 'cost'): number | null {
  let sum = 0;
  let requests = 0;
  for (const { instance, requestsPerSecond } of instances) {
    const own = meanOf(readProfile(instance.profile)[spent]);
    if (Number.isNaN(own)) continue;
    sum += own * requestsPerSecond;
    requests += requestsPerSecond;
  }
  return requests === 0 ? null : sum / requests;
}
