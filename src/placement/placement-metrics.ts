// What is counted of placement.

import type { Metrics } from '../telemetry/metrics.ts';
import type { BrokerSessionOptions } from './broker/session.ts';
import type { InstanceView } from './cache/placement-cache.ts';
import type { SourceState } from './source/configured-source.ts';

/** What the gauges show. */
interface Shown {
  readonly broker: { readonly connected: boolean } | null;
  readonly nodes: readonly unknown[];
  readonly instances: readonly InstanceView[];
  readonly sources: readonly SourceState[];
}

/** Gauges that read the state at each scrape. */
export function registerPlacementMetrics(metrics: Metrics, state: () => Shown): void {
  const connected = metrics.gauge({
    name: 'qedge_mqtt_connected',
    help: '1 while a broker is connected; absent where none is configured.',
  });
  const ofSources = {
    ok: metrics.gauge({
      name: 'qedge_placement_source_ok',
      help: '1 while a source of placements beside the broker is well.',
      labels: ['source'],
    }),
    instances: metrics.gauge({
      name: 'qedge_placement_source_instances',
      help: 'Instances that are known from a source beside the broker.',
      labels: ['source'],
    }),
  };
  const nodes = metrics.gauge({ name: 'qedge_placement_nodes', help: 'Nodes that are announced.' }).with();
  const instances = metrics.gauge({
    name: 'qedge_placement_instances',
    help: 'Known instances of configured services, by availability.',
    labels: ['availability'],
  });
  metrics.onScrape(() => {
    const { broker, nodes: known, instances: views, sources } = state();
    connected.clear();
    if (broker !== null) connected.with().set(broker.connected ? 1 : 0);
    for (const family of Object.values(ofSources)) family.clear();
    for (const { source, trouble, instances: count } of sources) {
      ofSources.ok.with(source).set(trouble === null ? 1 : 0);
      ofSources.instances.with(source).set(count);
    }
    nodes.set(known.length);
    const up = views.filter(({ availability }) => availability === 'up').length;
    instances.with('up').set(up);
    instances.with('suspect').set(views.length - up);
  });
}

/** What a session with the broker counts. */
export function brokerCounters(metrics: Metrics): BrokerSessionOptions['counters'] {
  const counter = (name: string, help: string) => metrics.counter({ name, help }).with();
  return {
    connects: counter('qedge_mqtt_connects_total', 'Connections to a broker that were established.'),
    messages: counter('qedge_mqtt_messages_received_total', 'Messages received from the broker.'),
    bytes: counter('qedge_mqtt_bytes_received_total', 'Bytes of topics and payloads received from the broker.'),
    sent: counter(
      'qedge_neighbours_summaries_sent_total',
      'Summaries of what was seen at instances, said to neighbours.',
    ),
    sentBytes: counter('qedge_neighbours_bytes_sent_total', 'Bytes of their topics and payloads.'),
    heard: counter('qedge_neighbours_summaries_received_total', 'Summaries of neighbours that were taken in.'),
  };
}
