// What several data planes of one node know of a service, as one picture: what is counted adds up, what is estimated is
// weighted by what it was estimated from.

import type { ClientState } from '../../core/domain.ts';
import type { GroupView } from '../../core/policies/policy.ts';
import { type RequirementLevel, worstOf } from '../../core/requirements/level.ts';
import type { InstanceState, ServiceOverview } from '../../core/service-router.ts';
import { shareOfClients, sum, weighted } from './means.ts';
import { mergeLevels, mergeRequirements, type WeightedLevel } from './merge-requirements.ts';

/** `states` of one service, the main thread's first. The same object when it is the only one. */
export function mergeOverviews(states: readonly [ServiceOverview, ...ServiceOverview[]]): ServiceOverview {
  const [first] = states;
  if (states.length === 1) return first;
  const clients = mergeClients(states.flatMap((state) => state.clients));
  const isSatisfied = ({ missed, successRatio }: ClientState): boolean =>
    missed === undefined ? successRatio >= first.qos.successRatio : missed === null;
  const satisfied = clients.filter(isSatisfied).length;
  return {
    ...first,
    successRatio: weighted(
      states,
      (state) => state.successRatio,
      (state) => state.requestsPerSecond,
    ),
    requestsPerSecond: sum(states, (state) => state.requestsPerSecond),
    inFlight: sum(states, (state) => state.inFlight),
    clientsSatisfiedRatio: shareOfClients(
      states,
      (state) => state.clientsSatisfiedRatio,
      clients.length === 0 ? null : satisfied / clients.length,
    ),
    summary: {
      ...first.summary,
      explorationShare: weighted(
        states,
        (state) => state.summary.explorationShare,
        (state) => state.requestsPerSecond,
      ),
      panic: states.some((state) => state.summary.panic),
    },
    affinity: mergeAffinity(states),
    neighbours: mergeNeighbours(states),
    groups: first.groups.map((group, index) => mergeGroups(group, states, index)),
    requirements: mergeRequirements(states, clients),
    clients,
  };
}

/** A session with connections at several event loops counts once in each. */
function mergeAffinity(states: readonly ServiceOverview[]): ServiceOverview['affinity'] {
  const all = states.flatMap(({ affinity }) => (affinity === null ? [] : [affinity]));
  if (all.length === 0) return null;
  return {
    sessions: sum(all, ({ sessions }) => sessions),
    kept: sum(all, ({ kept }) => kept),
    moved: sum(all, ({ moved }) => moved),
  };
}

/** All event loops hear the same; each judges it for itself. The main thread's, ignored where any of them ignores it. */
function mergeNeighbours([first, ...others]: readonly [
  ServiceOverview,
  ...ServiceOverview[],
]): ServiceOverview['neighbours'] {
  if (first.neighbours === null) return null;
  const elsewhere = others.flatMap(({ neighbours }) => neighbours?.heard ?? []);
  const heard = first.neighbours.heard.map((own) => {
    const same = elsewhere.filter(({ nodeId }) => nodeId === own.nodeId);
    const [{ ignoredMs, wrongOver } = own] = [own, ...same].sort((a, b) => b.ignoredMs - a.ignoredMs);
    return { ...own, ignoredMs, wrongOver };
  });
  return { ...first.neighbours, heard };
}

function mergeGroups(first: GroupView, states: readonly ServiceOverview[], index: number): GroupView {
  const byRequests = ({ state }: { readonly state: ServiceOverview }): number => state.requestsPerSecond;
  const same = states.flatMap((state) => state.groups.slice(index, index + 1).map((group) => ({ state, group })));
  return {
    ...first,
    share: weighted(same, ({ group }) => group.share, byRequests) ?? first.share,
    successRatio: weighted(same, ({ group }) => group.successRatio, byRequests),
  };
}

/** One instance, as each data plane that knows it sees it, the main thread's first. */
export function mergeInstance(same: readonly [InstanceState, ...InstanceState[]]): InstanceState {
  const [first] = same;
  if (same.length === 1) return first;
  const bySamples = (instance: InstanceState): number => instance.samples;
  return {
    ...first,
    weight: sum(same, (instance) => instance.weight) / Math.max(1, same.length),
    successProbability: weighted(same, (instance) => instance.successProbability, bySamples),
    processingMs: weighted(same, (instance) => instance.processingMs, bySamples),
    samples: sum(same, bySamples),
    cooldownMs: Math.max(...same.map((instance) => instance.cooldownMs)),
    inFlight: sum(same, (instance) => instance.inFlight),
    requestsPerSecond: sum(same, (instance) => instance.requestsPerSecond),
    requests: sum(same, (instance) => instance.requests),
    failures: sum(same, (instance) => instance.failures),
    failing: same.some(({ failing }) => failing),
    reasons: mergeReasons(same),
    results: mergeResults(same),
    answeredAgeMs: youngest(same.map((instance) => instance.answeredAgeMs)),
  };
}

/** The mean of the shares, weighted by the attempts of each event loop; the most frequent first. */
function mergeReasons(same: readonly InstanceState[]): InstanceState['reasons'] {
  const attempts = Math.max(
    1,
    sum(same, ({ requests }) => requests),
  );
  const shares = new Map<string, number>();
  for (const { reasons, requests } of same) {
    for (const { reason, share } of reasons) {
      shares.set(reason, (shares.get(reason) ?? 0) + (share * requests) / attempts);
    }
  }
  return [...shares].map(([reason, share]) => ({ reason, share })).sort((a, b) => b.share - a.share);
}

function mergeResults(same: readonly InstanceState[]): InstanceState['results'] {
  const total: Record<string, number> = {};
  for (const { results } of same) {
    for (const [row, count] of Object.entries(results)) total[row] = (total[row] ?? 0) + count;
  }
  return total;
}

/** A client with several connections may be known to several data planes. Worst served first. */
export function mergeClients(all: readonly ClientState[]): ClientState[] {
  const byId = new Map<string, { requests: number; successes: number; levels: WeightedLevel[] | null }>();
  for (const { clientId, requests, successRatio, requirements } of all) {
    const total = byId.get(clientId) ?? { requests: 0, successes: 0, levels: null };
    total.requests += requests;
    total.successes += requests * successRatio;
    if (requirements !== undefined) {
      total.levels = [...(total.levels ?? []), ...requirements.map((level) => ({ ...level, requests }))];
    }
    byId.set(clientId, total);
  }
  return [...byId]
    .map(([clientId, { requests, successes, levels }]) => ({
      clientId,
      requests,
      successRatio: successes / Math.max(1, requests),
      ...(levels === null ? {} : named(mergeLevels(levels))),
    }))
    .sort((a, b) => strainOf(b) - strainOf(a) || a.successRatio - b.successRatio);
}

const named = (requirements: readonly RequirementLevel[]): Pick<Required<ClientState>, 'requirements' | 'missed'> => ({
  requirements,
  missed: worstOf(requirements)?.requirement ?? null,
});

/** 0 where the latency goal is the only requirement. */
const strainOf = ({ requirements = [] }: ClientState): number =>
  Math.max(0, ...requirements.map(({ strain }) => strain));

/** Null when there is none. */
function youngest(agesMs: readonly (number | null)[]): number | null {
  const known = agesMs.filter((ageMs) => ageMs !== null);
  return known.length === 0 ? null : Math.min(...known);
}
