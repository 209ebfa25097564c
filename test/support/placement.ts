// Placement against a real broker, in this process: what it reports is collected, what a person would publish is published.

import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { ListenAddress } from '../../src/config/config.ts';
import type { PlacementUpdate } from '../../src/core/domain.ts';
import type { Summary } from '../../src/core/neighbours/summary.ts';
import { createRng, type Rng } from '../../src/core/rng.ts';
import type { ProbeTarget } from '../../src/net/endpoint.ts';
import type { NodeEvent } from '../../src/placement/cache/report.ts';
import { createPlacement, type Placement } from '../../src/placement/placement.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { configFrom } from './config.ts';

export interface TestPlacement {
  readonly placement: Placement;
  readonly metrics: Metrics;
  readonly updates: readonly PlacementUpdate[];
  readonly nodeEvents: readonly NodeEvent[];
  readonly targets: ReadonlyMap<string, ProbeTarget | null>;
  /** What neighbours were heard to say. */
  readonly observations: readonly { readonly nodeId: string; readonly service: string; readonly summary: Summary }[];
  readonly logLines: readonly Record<string, unknown>[];
  /** How often the first placement was said to be known. */
  readonly timesKnown: () => number;
  /** `node/instance availability` of every known instance, sorted. */
  keys(): readonly string[];
}

/** The configuration of a node that hears of `pilotnet` from the broker at `url`; `more`: keys of [mqtt], then sections. */
export function nodeToml({ nodeId, url }: { readonly nodeId: string; readonly url: string }, more: string): string {
  return `
[node]
id = "${nodeId}"
address = "127.0.0.1"
[mqtt]
url = "${url}"
${more}
[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
`;
}

export interface StartOptions {
  readonly boot?: string;
  readonly rng?: Rng;
  readonly ownListeners?: readonly ListenAddress[];
  /** Before it starts: to import what was saved. */
  readonly prepare?: (placement: Placement) => void;
}

/** Starts placement from `toml`; it stops with the test that is running. */
export function startPlacement(toml: string, options: StartOptions = {}): TestPlacement {
  const updates: PlacementUpdate[] = [];
  const nodeEvents: NodeEvent[] = [];
  const targets = new Map<string, ProbeTarget | null>();
  const logLines: Record<string, unknown>[] = [];
  const observations: TestPlacement['observations'][number][] = [];
  let known = 0;
  const metrics = createMetrics();
  const placement = createPlacement({
    config: configFrom(toml),
    clock: { nowMs: () => performance.now() },
    rng: options.rng ?? createRng(1),
    log: pino({ level: 'debug' }, { write: (line: string) => void logLines.push(JSON.parse(line)) }),
    metrics,
    boot: options.boot ?? 'boot-1',
    ownListeners: () => options.ownListeners ?? [{ host: '127.0.0.1', port: 8080 }],
    onUpdate: (_service, update) => void updates.push(update),
    onNode: (event) => void nodeEvents.push(event),
    onKnown: () => void known++,
    onTarget: (nodeId, target) => void targets.set(nodeId, target),
    onObservations: (nodeId, service, summary) => void observations.push({ nodeId, service, summary }),
  });
  onTestFinished(() => placement.stop());
  options.prepare?.(placement);
  placement.start();
  const keys = (): readonly string[] =>
    placement
      .state()
      .instances.map(({ key, availability }) => `${key} ${availability}`)
      .sort();
  return { placement, metrics, updates, nodeEvents, targets, observations, logLines, timesKnown: () => known, keys };
}

/** A client as a person with mosquitto_pub would be one; it ends with the test that is running. */
export async function publisher(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...options });
  onTestFinished(() => client.endAsync(true));
  return client;
}

/** Publishes retained at QoS 1; an object as JSON. */
export async function retain(client: MqttClient, topic: string, payload: unknown): Promise<void> {
  await client.publishAsync(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), {
    qos: 1,
    retain: true,
  });
}

/** What is retained under `filter` now, by topic: Mosquitto sends it before it answers a ping that comes behind the subscription. */
export async function retained(client: MqttClient, filter: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const collect = (topic: string, payload: Buffer): void => void found.set(topic, payload.toString());
  client.on('message', collect);
  await client.subscribeAsync(filter, { qos: 0 });
  await new Promise<void>((resolve) => {
    const onPacket = ({ cmd }: { readonly cmd?: string }): void => {
      if (cmd !== 'pingresp') return;
      client.off('packetreceive', onPacket);
      resolve();
    };
    client.on('packetreceive', onPacket);
    client.sendPing();
  });
  await client.unsubscribeAsync(filter);
  client.off('message', collect);
  return found;
}
