// The routers' state as gauges, mirrored at each scrape: nothing here costs a request anything. Label sets are bounded by
// services and instances; clients never become labels. `instance` is `<node>/<instance>`; Prometheus, which has a label of that
// name of its own, keeps it as `exported_instance`.

import type { InstanceState, RouterState } from '../core/service-router.ts';
import type { EventLog } from '../telemetry/events.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { QedgeEvent } from './state/state.ts';

interface GaugeOf<Source> {
  readonly name: string;
  readonly help: string;
  /** Null: no sample now. */
  readonly read: (source: Source) => number | null;
}

const SERVICE_GAUGES: readonly GaugeOf<RouterState>[] = [
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
    help: 'Whether more than half of the instances are out (1) or not (0).',
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

/** Registers everything that mirrors router state and events. `states` is called once a scrape. */
export function registerServiceMetrics(
  metrics: Metrics,
  states: () => readonly RouterState[],
  events: EventLog<QedgeEvent>,
): void {
  const ofService = mirror(metrics, SERVICE_GAUGES, ['service']);
  const ofInstance = mirror(metrics, INSTANCE_GAUGES, ['service', 'instance']);
  const pool = metrics.gauge({
    name: 'qedge_service_pool_instances',
    help: 'Instances by pool.',
    labels: ['service', 'pool'],
  });
  const groups = metrics.gauge({
    name: 'qedge_service_group_requests_ratio',
    help: 'Share of the requests that go to a group of instances, where some are preferred.',
    labels: ['service', 'group'],
  });
  const sessions = metrics.gauge({
    name: 'qedge_service_sessions',
    help: 'Sessions whose instance is remembered.',
    labels: ['service'],
  });
  const tied = metrics.counter({
    name: 'qedge_session_requests_total',
    help: 'Requests of known sessions: kept at the instance of the one before, or moved.',
    labels: ['service', 'result'],
  });
  const attempts = metrics.counter({
    name: 'qedge_instance_requests_total',
    help: 'Attempts at an instance by their verdict: success, late, failed, full, refused, reset, timeout and so on.',
    labels: ['service', 'instance', 'result'],
  });
  const counted = metrics.counter({ name: 'qedge_events_total', help: 'Events by kind.', labels: ['kind'] });
  metrics.onScrape(() => {
    const now = states();
    ofService(now.map((state) => ({ labels: [state.service], source: state })));
    ofInstance(
      now.flatMap((state) => state.instances.map((source) => ({ labels: [state.service, source.key], source }))),
    );
    pool.clear();
    for (const state of now) {
      for (const [name, count] of countPools(state)) pool.with(state.service, name).set(count);
    }
    // Counted where instances and sessions are; what left takes its counts along.
    attempts.clear();
    tied.clear();
    groups.clear();
    sessions.clear();
    for (const { service, instances } of now) {
      for (const { key, results } of instances) {
        for (const [result, count] of Object.entries(results)) attempts.with(service, key, result).increment(count);
      }
    }
    for (const { service, groups: preferred, affinity } of now) {
      for (const { name, share } of preferred) groups.with(service, name).set(share);
      if (affinity === null) continue;
      sessions.with(service).set(affinity.sessions);
      for (const result of ['kept', 'moved'] as const) tied.with(service, result).increment(affinity[result]);
    }
    for (const [kind, count] of events.countsByKind) {
      const counter = counted.with(kind);
      counter.increment(count - counter.value);
    }
  });
}

interface Labelled<Source> {
  readonly labels: readonly string[];
  readonly source: Source;
}

function mirror<Source>(
  metrics: Metrics,
  gauges: readonly GaugeOf<Source>[],
  labels: readonly string[],
): (sources: readonly Labelled<Source>[]) => void {
  const families = gauges.map(({ name, help, read }) => ({ read, family: metrics.gauge({ name, help, labels }) }));
  return (sources) => {
    for (const { read, family } of families) {
      family.clear();
      for (const { labels, source } of sources) {
        const value = read(source);
        if (value !== null) family.with(...labels).set(value);
      }
    }
  };
}

function countPools(state: RouterState): ReadonlyMap<string, number> {
  const counts = new Map([
    ['exploitation', 0],
    ['exploration', 0],
    ['out', 0],
  ]);
  for (const { pool } of state.instances) counts.set(pool, (counts.get(pool) ?? 0) + 1);
  return counts;
}
