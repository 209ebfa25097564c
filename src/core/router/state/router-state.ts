// A service as people are shown it: what is in flight and how it fares, by the books of its router and by its policy.

import type { Neighbours } from '../../neighbours/neighbours.ts';
import type { Policy } from '../../policies/policy.ts';
import type { InstanceState, RouterState, ServiceRouterOptions } from '../../service-router.ts';
import type { ClientLedger } from '../../stats/client-ledger.ts';
import type { FlightTable } from '../flight-table.ts';
import type { LiveCandidate } from '../live-candidate.ts';
import type { Membership } from '../membership.ts';
import type { Offers } from '../offers.ts';
import type { RequestRates } from '../request-rates.ts';
import type { SessionTable } from '../session-table.ts';
import { barredView, instanceStateOf } from './instance-state.ts';
import { clientsState, servedBy } from './requirement-states.ts';

/** The parts of a router, as they are read. */
export interface RouterParts {
  readonly options: ServiceRouterOptions;
  readonly policy: Policy;
  readonly members: Membership;
  readonly flights: FlightTable;
  readonly clients: ClientLedger;
  readonly rates: RequestRates;
  /** Null: the latency goal is the only requirement. */
  readonly offers: Offers | null;
  /** Null: requests are not tied together. */
  readonly sessions: SessionTable | null;
  /** Null: they are neither told nor listened to. */
  readonly neighbours: Neighbours | null;
}

/** The whole picture. Changes nothing. */
export function routerState(parts: RouterParts, nowMs: number): RouterState {
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
    instances: instanceStates(parts, nowMs),
    ...clientsState(clients, { books: offers?.books, qos, admitted: admitted.length }, nowMs),
  };
}

/** The instances alone, without a look at any client. */
export function instanceStates(parts: RouterParts, nowMs: number): readonly InstanceState[] {
  return parts.members.set.live.map((candidate) => instanceState(parts, candidate, nowMs));
}

function instanceState(parts: RouterParts, candidate: LiveCandidate, nowMs: number): InstanceState {
  const { options, policy, rates, offers } = parts;
  const view = candidate.lacks.length > 0 ? barredView(candidate) : policy.view(candidate, nowMs);
  const requestsPerSecond = rates.ofInstance(candidate.handle, nowMs);
  const serves = offers === null ? {} : servedBy(candidate, { books: offers.books, view, qos: options.qos });
  return instanceStateOf(candidate, { view, requestsPerSecond, serves }, nowMs);
}
