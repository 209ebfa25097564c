// The routers' state as gauges, mirrored at each scrape: nothing here costs a request anything. Label sets are bounded by
// services and instances; clients never become labels. `instance` is `<node>/<instance>`; Prometheus, which has a label of that
// name of its own, keeps it as `exported_instance`.

import type { InstanceState, ServiceOverview } from '../core/service-router.ts';
import { energyPerRequest } from '../core/standing.ts';
import type { EventLog } from '../telemetry/events.ts';
import type { Metrics, Reading, Sample } from '../telemetry/metrics.ts';
import type { ReadService } from './state/reader.ts';
import type { QedgeEvent } from './state/state.ts';

interface GaugeOf<Source> {
  readonly name: string;
  readonly help: string;
  /** Null: no sample now. */
  readonly read: (source: Source) => number | null;
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

/** Registers everything that mirrors router state and events. `services` are gone through once a scrape, with pauses. */
export function registerServiceMetrics(
  metrics: Metrics,
  services: () => Iterable<ReadService>,
  events: EventLog<QedgeEvent>,
): void {
  metrics.addSource(function* () {
    const now: ServiceOverview[] = [];
    const seen: InstanceOfService[] = [];
    for (const { overview, instances } of services()) {
      now.push(overview);
      for (const state of instances) {
        seen.push({ service: overview.service, key: state.key, state });
        yield null;
      }
    }
    const labels = ['service'];
    const labelsOf = ({ service }: ServiceOverview): string[] => [service];
    for (const gauge of SERVICE_GAUGES) yield reading(gauge, { labels, labelsOf, sources: now });
    const instances: Labelled<InstanceOfService> = {
      labels: ['service', 'instance'],
      labelsOf: ({ service, key }) => [service, key],
      sources: seen,
    };
    for (const { name, help, read } of INSTANCE_GAUGES) {
      yield reading({ name, help, read: ({ state }) => read(state) }, instances);
    }
    yield {
      kind: 'gauge',
      options: { name: 'qedge_service_pool_instances', help: 'Instances by pool.', labels: ['service', 'pool'] },
      samples: poolSizes(now, seen),
    };
    yield {
      kind: 'gauge',
      options: {
        name: 'qedge_service_request_energy_joules',
        help: 'What a request takes on average, by the profiles of the instances and the requests that each gets now.',
        labels: ['service'],
      },
      samples: energyOf(now, seen),
    };
    yield* preferencesOf(now);
    yield {
      kind: 'counter',
      options: {
        name: 'qedge_instance_requests_total',
        help: 'Attempts at an instance by their verdict: success, late, failed, full, refused, reset, timeout and so on.',
        labels: [...instances.labels, 'result'],
      },
      samples: resultsOf(instances.sources),
    };
    yield {
      kind: 'counter',
      options: { name: 'qedge_events_total', help: 'Events by kind.', labels: ['kind'] },
      samples: [...events.countsByKind].map(([kind, value]) => ({ labels: [kind], value })),
    };
  });
}

interface InstanceOfService {
  readonly service: string;
  readonly key: string;
  readonly state: InstanceState;
}

/** What a family of gauges is read from. */
interface Labelled<Source> {
  readonly labels: readonly string[];
  readonly labelsOf: (source: Source) => readonly string[];
  readonly sources: readonly Source[];
}

function reading<Source>({ name, help, read }: GaugeOf<Source>, labelled: Labelled<Source>): Reading {
  return { kind: 'gauge', options: { name, help, labels: labelled.labels }, samples: samplesOf(read, labelled) };
}

function* samplesOf<Source>(
  read: (source: Source) => number | null,
  { labelsOf, sources }: Labelled<Source>,
): Iterable<Sample> {
  for (const source of sources) {
    const value = read(source);
    if (value !== null) yield { labels: labelsOf(source), value };
  }
}

/** What is counted of a service by group, requirement and session. */
function* preferencesOf(states: readonly ServiceOverview[]): Iterable<Reading> {
  yield {
    kind: 'gauge',
    options: {
      name: 'qedge_service_group_requests_ratio',
      help: 'Share of the requests that go to a group of instances, where some are preferred.',
      labels: ['service', 'group'],
    },
    samples: states.flatMap(({ service, groups }) =>
      groups.map(({ name, share }) => ({ labels: [service, name], value: share })),
    ),
  };
  yield {
    kind: 'gauge',
    options: {
      name: 'qedge_service_requirement_ratio',
      help: 'Share of the clients for which a requirement holds, where more is asked for than the latency goal.',
      labels: ['service', 'requirement'],
    },
    samples: states.flatMap(({ service, requirements }) =>
      requirements.flatMap(({ requirement, clientsRatio }) =>
        clientsRatio === null ? [] : [{ labels: [service, requirement], value: clientsRatio }],
      ),
    ),
  };
  const shares = states.flatMap(({ service, requirements }) =>
    requirements.flatMap(({ requirement, level, heldShare }) =>
      heldShare === null ? [] : [{ labels: [service, requirement], level, heldShare }],
    ),
  );
  yield {
    kind: 'gauge',
    options: {
      name: 'qedge_service_share_ratio',
      help: 'Share of the answers over the window that came from instances with the attributes that a share asks for.',
      labels: ['service', 'share'],
    },
    samples: shares.flatMap(({ labels, level }) => (level === null ? [] : [{ labels, value: level }])),
  };
  yield {
    kind: 'gauge',
    options: {
      name: 'qedge_service_share_held_ratio',
      help: 'What a share of attributes is held to: what is asked for, or less while it yields to the latency goal.',
      labels: ['service', 'share'],
    },
    samples: shares.map(({ labels, heldShare }) => ({ labels, value: heldShare })),
  };
  const tied = states.flatMap(({ service, affinity }) => (affinity === null ? [] : [{ service, affinity }]));
  yield {
    kind: 'gauge',
    options: {
      name: 'qedge_service_sessions',
      help: 'Sessions whose instance is remembered.',
      labels: ['service'],
    },
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

/** Of the services of which an instance says what a request takes there. */
function* energyOf(states: readonly ServiceOverview[], instances: readonly InstanceOfService[]): Iterable<Sample> {
  for (const { service } of states) {
    const own = instances.filter((one) => one.service === service).map(({ state }) => state);
    const energyMwh = energyPerRequest(own);
    if (energyMwh !== null) yield { labels: [service], value: JOULES_PER_MWH * energyMwh };
  }
}

/** Counted where instances are; what left takes its counts along. */
function* resultsOf(instances: readonly InstanceOfService[]): Iterable<Sample> {
  for (const { service, key, state } of instances) {
    for (const [result, value] of Object.entries(state.results)) yield { labels: [service, key, result], value };
  }
}

const POOLS: readonly InstanceState['pool'][] = ['exploitation', 'exploration', 'out'];

function* poolSizes(states: readonly ServiceOverview[], instances: readonly InstanceOfService[]): Iterable<Sample> {
  const sizes = new Map(states.map(({ service }) => [service, new Map(POOLS.map((pool) => [pool, 0]))]));
  for (const { service, state } of instances) {
    const ofService = sizes.get(service);
    ofService?.set(state.pool, (ofService.get(state.pool) ?? 0) + 1);
  }
  for (const [service, ofService] of sizes) {
    for (const [pool, value] of ofService) yield { labels: [service, pool], value };
  }
}
