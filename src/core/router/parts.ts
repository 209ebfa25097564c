// What the router of a service is made of, and what the parts know of each other: the books, the instances, the policy.
//
// Long because of eleven fields: a book for each thing that is counted.

import type { InstanceKey, QosTarget } from '../domain.ts';
import { Neighbours, type NeighbourUse } from '../neighbours/neighbours.ts';
import type { Policy, PolicyContext } from '../policies/policy.ts';
import { RequirementBooks } from '../requirements/books.ts';
import { isMoreAsked, NO_REQUIREMENTS, type Requirements } from '../requirements/requirements.ts';
import type { RouterEvent, ServiceRouterOptions } from '../service-router.ts';
import { ClientLedger } from '../stats/client-ledger.ts';
import type { Aim } from './aim.ts';
import { FlightTable } from './flight-table.ts';
import { GroupTable } from './group-table.ts';
import { Membership } from './membership.ts';
import { Offers } from './offers.ts';
import { RelativeEvidence } from './relative-evidence.ts';
import { RequestRates } from './request-rates.ts';
import { RTT_CHANGE_RATIO_DEFAULT } from './rtt-table.ts';
import { SessionTable } from './session-table.ts';

const INSTANCES_MAX_DEFAULT = 4096;
const CLIENTS_MAX_DEFAULT = 4096;
/** Attempts in flight that are accounted; further ones are routed but not observed. */
const FLIGHTS_MAX = 262_144;

/** The parts of one router. */
export class RouterParts {
  readonly options: ServiceRouterOptions;
  readonly members: Membership;
  readonly flights: FlightTable;
  readonly clients: ClientLedger;
  readonly groups: GroupTable;
  readonly rates: RequestRates;
  readonly relative: RelativeEvidence;
  /** Null: the latency goal is the only requirement. */
  readonly offers: Offers | null;
  /** Null: requests are not tied together. */
  readonly sessions: SessionTable | null;
  /** Null: summaries are neither sent nor used. */
  readonly neighbours: Neighbours | null;
  policy: Policy;

  readonly #makePolicy: (qos: QosTarget, isPart: boolean) => Policy;

  /** `makePolicy` is given the books that a policy may read. */
  constructor(options: ServiceRouterOptions, makePolicy: (context: PolicyContext) => Policy) {
    const { qos, nowMs, requirements = NO_REQUIREMENTS, clientsMax = CLIENTS_MAX_DEFAULT } = options;
    const { instancesMax = INSTANCES_MAX_DEFAULT, onEvent = () => {} } = options;
    this.options = options;
    this.flights = new FlightTable(FLIGHTS_MAX, options.sharedFlights);
    const books = isMoreAsked(requirements) ? new RequirementBooks(requirements, qos) : null;
    this.clients = new ClientLedger(qos.windowMs, clientsMax, (row) => books?.clear(row + 1));
    this.groups = new GroupTable(clientsMax);
    this.rates = new RequestRates(nowMs);
    this.relative = new RelativeEvidence(qos.latencyMs, nowMs);
    this.sessions = options.sessionIdleMs ? new SessionTable(options.sessionIdleMs) : null;
    this.neighbours = options.neighbours === undefined ? null : this.#neighboursBy(options.neighbours, onEvent);
    const { rng } = options;
    const { flights, groups, neighbours: hearsay } = this;
    this.#makePolicy = (target, isPart) =>
      makePolicy({ qos: target, isPart, rng, instancesMax, flights, groups, guidance: books, hearsay, onEvent });
    this.policy = this.#makePolicy(qos, false);
    const { clients, policy } = this;
    this.offers = books === null ? null : new Offers({ books, clients, groups, policy });
    this.members = this.#membership({ instancesMax, requirements, books, onEvent });
  }

  /** A policy is made for one limit: with another one, the next takes over what it learned. One that keeps nothing stays as it is. */
  steerBy({ latencyMs, isPart }: Aim, nowMs: number): void {
    const learned = this.policy.snapshot(nowMs);
    if (learned === null) return;
    this.policy = this.#makePolicy({ ...this.options.qos, latencyMs }, isPart);
    this.policy.update(this.members.set.admitted, nowMs);
    this.policy.restore(learned, 0, nowMs);
    if (this.offers !== null) this.offers.policy = this.policy;
  }

  #membership({ instancesMax, requirements, books, onEvent }: MembershipParts): Membership {
    const { service, qos, localNodeId, rttChangeRatio = RTT_CHANGE_RATIO_DEFAULT } = this.options;
    return new Membership({
      service,
      qos,
      localNodeId,
      instancesMax,
      rttChangeRatio,
      security: requirements.security,
      onEvent,
      onAdded: ({ handle, key }) => {
        this.flights.begin(handle, service, key);
        this.rates.begin(handle);
        this.relative.begin(handle);
        books?.begin(handle);
        this.neighbours?.forget(handle);
      },
      onRemoved: (handle) => this.flights.orphan(handle),
      onChange: (nowMs) => {
        const { live, active, admitted } = this.members.set;
        books?.update(live, active);
        this.policy.update(admitted, nowMs);
      },
    });
  }

  #neighboursBy({ use, samplesMax }: NeighbourUse, onEvent: (event: RouterEvent) => void): Neighbours {
    const { qos, nowMs } = this.options;
    return new Neighbours({
      use,
      samplesMax,
      latencyMs: qos.latencyMs,
      nowMs,
      candidates: () => this.members.set.live,
      agesMs: this.flights.agesMs.bind(this.flights),
      handleOf: (key: InstanceKey) => this.members.set.get(key)?.handle,
      perSecond: (handle, atMs) => this.rates.ofInstance(handle, atMs),
      inFlight: (handle) => this.flights.count(handle),
      onIgnored: (nodeId, key, untilMs) => onEvent({ kind: 'neighbour-ignored', nodeId, key, untilMs }),
    });
  }
}

interface MembershipParts {
  readonly instancesMax: number;
  readonly requirements: Requirements;
  readonly books: RequirementBooks | null;
  readonly onEvent: (event: RouterEvent) => void;
}
