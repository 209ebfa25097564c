// The routers' state as gauges, mirrored at each scrape: nothing here costs a request anything. Label sets are bounded by
// services and instances; clients never become labels. `instance` is `<node>/<instance>`; Prometheus, which has a label of that
// name of its own, keeps it as `exported_instance`.

import type { GroupView } from '../core/policies/policy.ts';
import type { InstanceState, RequirementState, ServiceOverview } from '../core/service-router.ts';
import { energyPerRequest } from '../core/standing.ts';
import type { EventLog } from '../telemetry/events.ts';
import type { Metrics, Reading, Sample } from '../telemetry/metrics.ts';
import type { ReadService } from './state/reader.ts';
import type { QedgeEvent } from './state/state.ts';

interface GaugeOf<Part> {
  readonly name: string;
  readonly help: string;
  /** Null: no sample now. */
  readonly read: (part: Part) => number | null;
}

const SERVICE_GAUGES: readonly GaugeOf<ServiceOverview>[] = [
  {
    name: 'qedge_service_success_ratio',
    help: 'Share of requests over the window that met the latency limit.',
    read: (s) => s.successRatio,
  },
  {
    name: 'qedge_service_clients_satisfied_ratio',
    help: 'Share of clients whose own success ratio meets the target.',
    read: (s) => s.clientsSatisfiedRatio,
  },
  { name: 'qedge_service_in_flight_requests', help: 'Requests in flight.', read: (s) => s.inFlight },
  {
    name: 'qedge_service_exploration_ratio',
    help: 'Share of the weights given to exploration.',
    read: (s) => s.summary.explorationShare,
  },
  {
    name: 'qedge_service_panic',
    help: 'Whether more than half of the instances are ejected (1) or not (0).',
    read: (s) => Number(s.summary.panic),
  },
  { name: 'qedge_service_target_success_ratio', help: 'The success ratio asked for.', read: (s) => s.qos.successRatio },
  {
    name: 'qedge_service_latency_limit_seconds',
    help: 'The latency limit asked for.',
    read: (s) => s.qos.latencyMs / 1000,
  },
  {
    name: 'qedge_service_window_seconds',
    help: 'The window over which success is counted.',
    read: (s) => s.qos.windowMs / 1000,
  },
];

const INSTANCE_GAUGES: readonly GaugeOf<InstanceState>[] = [
  {
    name: 'qedge_instance_weight_ratio',
    help: 'Share of requests an instance is meant to get.',
    read: (i) => i.weight,
  },
  {
    name: 'qedge_instance_success_probability_ratio',
    help: 'Estimated probability that a request meets the latency limit.',
    read: (i) => i.successProbability,
  },
  { name: 'qedge_instance_in_flight_requests', help: 'Requests in flight.', read: (i) => i.inFlight },
  { name: 'qedge_instance_cooldown_seconds', help: 'Time until its cooldown ends.', read: (i) => i.cooldownMs / 1000 },
  {
    name: 'qedge_instance_rtt_seconds',
    help: 'Measured network round trip; absent until known.',
    read: (i) => (i.rttKnown ? i.rttMs / 1000 : null),
  },
  {
    name: 'qedge_instance_processing_seconds',
    help: 'Mean processing latency, queueing included.',
    read: (i) => (i.processingMs === null ? null : i.processingMs / 1000),
  },
  { name: 'qedge_instance_samples', help: 'Observations behind the estimate.', read: (i) => i.samples },
  {
    name: 'qedge_instance_up',
    help: 'Whether it takes traffic, has answered and does not fail (1) or not (0).',
    read: (i) => Number(i.availability === 'up' && i.answeredAgeMs !== null && !i.failing),
  },
];

const GROUP_GAUGES: readonly GaugeOf<GroupView>[] = [
  {
    name: 'qedge_service_group_requests_ratio',
    help: 'Share of the requests that go to a group of instances, where some are preferred.',
    read: ({ share }) => share,
  },
];

const REQUIREMENT_GAUGES: readonly GaugeOf<RequirementState>[] = [
  {
    name: 'qedge_service_requirement_ratio',
    help: 'Share of the clients for which a requirement holds, where more is asked for than the latency goal.',
    read: ({ clientsRatio }) => clientsRatio,
  },
];

const SHARE_GAUGES: readonly GaugeOf<RequirementState>[] = [
  {
    name: 'qedge_service_share_ratio',
    help: 'Share of the answers over the window that came from instances with the attributes that a share asks for.',
    read: ({ level, heldShare }) => (heldShare === null ? null : level),
  },
  {
    name: 'qedge_service_share_held_ratio',
    help: 'What a share of attributes is held to: what is asked for, or less while it yields to the latency goal.',
    read: ({ heldShare }) => heldShare,
  },
];

/** Registers everything that mirrors router state and events. `services` are gone through once a scrape, with pauses. */
export function registerServiceMetrics(
  metrics: Metrics,
  services: () => Iterable<ReadService>,
  events: EventLog<QedgeEvent>,
): void {
  metrics.addSource(function* () {
    const overviews: ServiceOverview[] = [];
    const instances: Labelled<InstanceState>[] = [];
    const byService = new Map<string, InstanceState[]>();
    for (const { overview, instances: own } of services()) {
      const read: InstanceState[] = [];
      overviews.push(overview);
      byService.set(overview.service, read);
      for (const state of own) {
        read.push(state);
        instances.push({ labels: [overview.service, state.key], part: state });
        yield null;
      }
    }
    yield* gauges(
      SERVICE_GAUGES,
      ['service'],
      overviews.map((part) => ({ labels: [part.service], part })),
    );
    yield* gauges(INSTANCE_GAUGES, ['service', 'instance'], instances);
    yield {
      kind: 'gauge',
      options: { name: 'qedge_service_pool_instances', help: 'Instances by pool.', labels: ['service', 'pool'] },
      samples: poolSizes(byService),
    };
    yield {
      kind: 'gauge',
      options: {
        name: 'qedge_service_request_energy_joules',
        help: 'What a request takes on average, by the profiles of the instances and the requests that each gets now.',
        labels: ['service'],
      },
      samples: energyOf(byService),
    };
    const requirements = partsOf(overviews, (overview) => overview.requirements, 'requirement');
    yield* gauges(
      GROUP_GAUGES,
      ['service', 'group'],
      partsOf(overviews, ({ groups }) => groups, 'name'),
    );
    yield* gauges(REQUIREMENT_GAUGES, ['service', 'requirement'], requirements);
    yield* gauges(SHARE_GAUGES, ['service', 'share'], requirements);
    yield* sessionsOf(overviews);
    yield {
      kind: 'counter',
      options: {
        name: 'qedge_instance_requests_total',
        help: 'Attempts at an instance by their verdict: success, late, failed, full, refused, reset, timeout and so on.',
        labels: ['service', 'instance', 'result'],
      },
      samples: resultsOf(instances),
    };
    yield {
      kind: 'counter',
      options: { name: 'qedge_events_total', help: 'Events by kind.', labels: ['kind'] },
      samples: [...events.countsByKind].map(([kind, value]) => ({ labels: [kind], value })),
    };
  });
}

/** What gauges are read from, and the values of their labels. */
interface Labelled<Part> {
  readonly labels: readonly string[];
  readonly part: Part;
}

/** `name`: the property that distinguishes the parts of a service. */
function partsOf<Name extends string, Part extends Readonly<Record<Name, string>>>(
  overviews: readonly ServiceOverview[],
  parts: (overview: ServiceOverview) => readonly Part[],
  name: Name,
): readonly Labelled<Part>[] {
  return overviews.flatMap((overview) =>
    parts(overview).map((part) => ({ labels: [overview.service, part[name]], part })),
  );
}

function* gauges<Part>(
  list: readonly GaugeOf<Part>[],
  labels: readonly string[],
  parts: readonly Labelled<Part>[],
): Iterable<Reading> {
  for (const { name, help, read } of list) {
    yield { kind: 'gauge', options: { name, help, labels }, samples: samplesOf(read, parts) };
  }
}

function* samplesOf<Part>(read: (part: Part) => number | null, parts: readonly Labelled<Part>[]): Iterable<Sample> {
  for (const { labels, part } of parts) {
    const value = read(part);
    if (value !== null) yield { labels, value };
  }
}

function* sessionsOf(overviews: readonly ServiceOverview[]): Iterable<Reading> {
  const tied = overviews.flatMap(({ service, affinity }) => (affinity === null ? [] : [{ service, affinity }]));
  yield {
    kind: 'gauge',
    options: { name: 'qedge_service_sessions', help: 'Sessions whose instance is remembered.', labels: ['service'] },
    samples: tied.map(({ service, affinity }) => ({ labels: [service], value: affinity.sessions })),
  };
  yield {
    kind: 'counter',
    options: {
      name: 'qedge_session_requests_total',
      help: 'Requests of known sessions: kept at the instance of the one before, or moved.',
      labels: ['service', 'result'],
    },
    samples: tied.flatMap(({ service, affinity }) =>
      (['kept', 'moved'] as const).map((result) => ({ labels: [service, result], value: affinity[result] })),
    ),
  };
}

const JOULES_PER_MWH = 3.6;

/** For each service with an instance whose profile says what a request takes there. */
function* energyOf(byService: ReadonlyMap<string, readonly InstanceState[]>): Iterable<Sample> {
  for (const [service, instances] of byService) {
    const energyMwh = energyPerRequest(instances);
    if (energyMwh !== null) yield { labels: [service], value: JOULES_PER_MWH * energyMwh };
  }
}

/** Counted where instances are; what left takes its counts along. */
function* resultsOf(instances: readonly Labelled<InstanceState>[]): Iterable<Sample> {
  for (const { labels, part } of instances) {
    for (const [result, value] of Object.entries(part.results)) yield { labels: [...labels, result], value };
  }
}

const POOLS: readonly InstanceState['pool'][] = ['exploitation', 'exploration', 'out'];

function* poolSizes(byService: ReadonlyMap<string, readonly InstanceState[]>): Iterable<Sample> {
  for (const [service, instances] of byService) {
    for (const pool of POOLS) {
      const value = instances.filter((one) => one.pool === pool).length;
      yield { labels: [service, pool], value };
    }
  }
}
