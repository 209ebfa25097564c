// What is open in a proxy, and what waits.

import type { Metrics } from '../telemetry/metrics.ts';

export interface ProxyStats {
  /** Open client connections. */
  readonly connections: number;
  readonly inFlight: number;
  readonly services: readonly ProxyServiceStats[];
}

export interface ProxyServiceStats {
  readonly service: string;
  /** Requests that wait for a full instance, or for the first to be known. */
  readonly queued: number;
  /** Open connections to instances, idle ones included. */
  readonly upstreamConnections: number;
}

/** Read when the metrics are. */
export function registerGauges(metrics: Metrics, read: () => ProxyStats): void {
  const connections = metrics
    .gauge({ name: 'qedge_client_connections', help: 'Open connections from clients.' })
    .with();
  const upstream = metrics.gauge({
    name: 'qedge_upstream_connections',
    help: 'Open connections to instances, idle ones included.',
    labels: ['service'],
  });
  const queued = metrics.gauge({
    name: 'qedge_queued_requests',
    help: 'Requests that wait for a full instance, or for the first to be known.',
    labels: ['service'],
  });
  metrics.onScrape(() => {
    const stats = read();
    connections.set(stats.connections);
    upstream.clear();
    queued.clear();
    for (const service of stats.services) {
      upstream.with(service.service).set(service.upstreamConnections);
      queued.with(service.service).set(service.queued);
    }
  });
}
