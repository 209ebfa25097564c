// A service as people are shown it: what is in flight and how it fares, by the books of its router and by its policy.

import type { InstanceState, RouterState, ServiceOverview } from '../../service-router.ts';

import type { LiveCandidate } from '../live-candidate.ts';
import type { RouterParts } from '../parts.ts';
import { barredView, instanceStateOf } from './instance-state.ts';
import { clientsState, servedBy } from './requirement-states.ts';

/** The whole picture. Changes nothing. */
export function routerState(parts: RouterParts, nowMs: number): RouterState {
  return { ...serviceOverview(parts, nowMs), instances: [...instanceStates(parts, nowMs)] };
}

/** All but the instances. */
export function serviceOverview(parts: RouterParts, nowMs: number): ServiceOverview {
  const { options, policy, members, flights, clients, rates, offers, sessions, neighbours } = parts;
  const { live, admitted } = members.set;
  const { qos } = options;
  const successRatio = clients.overallSuccessRatio(nowMs);
  const { groups = [], ...summary } = policy.summary(nowMs);
  return {
    service: options.service,
    policy: options.policy.name,
    qos,
    successRatio: Number.isNaN(successRatio) ? null : successRatio,
    requestsPerSecond: rates.ofService(nowMs),
    inFlight: live.reduce((sum, { streams }) => sum + streams, flights.total),
    summary,
    groups,
    affinity: sessions?.state(nowMs) ?? null,
    neighbours: neighbours?.state(nowMs) ?? null,
    ...clientsState(clients, { books: offers?.books, qos, admitted: admitted.length }, nowMs),
  };
}

/** The instances alone, without a look at any client; each when it is asked for, unless it has left by then. */
export function* instanceStates(parts: RouterParts, nowMs: number): Iterable<InstanceState> {
  const { set } = parts.members;
  for (const candidate of [...set.live]) {
    if (set.at(candidate.handle) === candidate) yield instanceState(parts, candidate, nowMs);
  }
}

function instanceState(parts: RouterParts, candidate: LiveCandidate, nowMs: number): InstanceState {
  const { options, policy, rates, offers, flights } = parts;
  const view = candidate.lacks.length > 0 ? barredView(candidate) : policy.view(candidate, nowMs);
  const requestsPerSecond = rates.ofInstance(candidate.handle, nowMs);
  const serves = offers === null ? {} : servedBy(candidate, { books: offers.books, view, qos: options.qos });
  const inFlight = flights.count(candidate.handle);
  return instanceStateOf(candidate, { view, requestsPerSecond, inFlight, serves }, nowMs);
}
