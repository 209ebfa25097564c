// The requirements of a service as they are reported: for all clients together, and which of them an instance serves.

import type { Candidate, QosTarget } from '../../domain.ts';
import type { CandidateView } from '../../policies/policy.ts';
import { ALL } from '../../requirements/accounts.ts';
import type { RequirementBooks } from '../../requirements/books.ts';
import { shareLevel } from '../../requirements/level.ts';
import type { RequirementState, ServiceOverview } from '../../service-router.ts';
import { CLIENTS_SHOWN_MAX } from '../../standing.ts';
import type { ClientLedger } from '../../stats/client-ledger.ts';
import { clientStates, type FullClientState, LATENCY, satisfiedRatio } from './client-states.ts';

/** Name of what is demanded of each instance. */
const SECURITY = 'security';

interface Shown {
  readonly qos: QosTarget;
  /** NaN before the first request. */
  readonly successRatio: number;
  readonly clients: readonly FullClientState[];
  /** Instances that may be used. */
  readonly admitted: number;
}

export interface ClientsShown {
  /** Undefined: the latency goal is the only requirement. */
  readonly books: RequirementBooks | undefined;
  readonly qos: QosTarget;
  /** Instances that may be used. */
  readonly admitted: number;
}

/** How the clients fare, and how the requirements fare with all of them. */
export function clientsState(
  ledger: ClientLedger,
  { books, qos, admitted }: ClientsShown,
  nowMs: number,
): Pick<ServiceOverview, 'clientsSatisfiedRatio' | 'requirements' | 'clients'> {
  if (books === undefined) {
    return {
      clientsSatisfiedRatio: ledger.satisfiedRatio(qos.successRatio, nowMs),
      requirements: [],
      clients: ledger.worst(CLIENTS_SHOWN_MAX, nowMs),
    };
  }
  const clients = clientStates(ledger, { books, successRatio: qos.successRatio }, nowMs);
  const satisfied = clients.filter(({ missed }) => missed === null).length;
  const successRatio = ledger.overallSuccessRatio(nowMs);
  return {
    clientsSatisfiedRatio: clients.length === 0 ? null : satisfied / clients.length,
    requirements: requirementStates(books, { qos, successRatio, clients, admitted }, nowMs),
    clients: clients.slice(0, CLIENTS_SHOWN_MAX),
  };
}

/** Returns the requirements of a service, the most important first. */
function requirementStates(
  books: RequirementBooks,
  { qos, successRatio, clients, admitted }: Shown,
  nowMs: number,
): readonly RequirementState[] {
  const { asked, heldShares } = books;
  const levels = [shareLevel(LATENCY, successRatio, qos.successRatio), ...books.accounts.levels(ALL, nowMs)];
  const prices: Readonly<Record<string, number>> = {
    reliability: books.prices.reliability.value,
    availability: books.prices.availability.value,
    'mean-latency': books.meanLatencyPrice,
  };
  const security = asked.security === null ? [] : [securityState(admitted)];
  return [
    ...security,
    ...levels.map((level) => {
      const share = asked.shares.findIndex(({ name }) => name === level.requirement);
      return {
        ...level,
        clientsRatio: satisfiedRatio(clients, level.requirement),
        heldShare: share < 0 ? null : (heldShares[share] ?? null),
        price: prices[level.requirement] ?? null,
      };
    }),
  ];
}

/** It holds as long as there is an instance that may be used: requests never go elsewhere. */
function securityState(admitted: number): RequirementState {
  const level = admitted > 0 ? 1 : 0;
  return { ...shareLevel(SECURITY, level, 1), clientsRatio: level, heldShare: null, price: null };
}

/** Which of them the instance serves; null where too little is known of it. */
export function servedBy(
  candidate: Candidate,
  { books, view, qos }: { readonly books: RequirementBooks; readonly view: CandidateView; readonly qos: QosTarget },
): Readonly<Record<string, boolean | null>> {
  const { security, meanLatencyMs, reliabilityRatio, shares } = books.asked;
  const { successProbability, processingMs } = view;
  const reliability = books.reliability.of(candidate.handle);
  return {
    ...(security === null ? {} : { [SECURITY]: candidate.lacks.length === 0 }),
    [LATENCY]: successProbability === null ? null : successProbability >= qos.successRatio,
    ...(meanLatencyMs === null
      ? {}
      : { 'mean-latency': processingMs === null ? null : candidate.rttMs + processingMs <= meanLatencyMs }),
    ...(reliabilityRatio === null
      ? {}
      : { reliability: Number.isNaN(reliability) ? null : reliability >= reliabilityRatio }),
    ...Object.fromEntries(shares.map(({ name }, k) => [name, books.serves(candidate.handle, k)])),
  };
}
