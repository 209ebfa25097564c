// The qedge that bench/placement.ts measures: placement in a process of its own, which reports when asked.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'mqtt';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/load.ts';
import { createRng } from '../../src/core/rng.ts';
import { createPlacement } from '../../src/placement/placement.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { textOf } from '../support/metrics.ts';

export type SubjectOrder =
  | { readonly kind: 'start' }
  /** Report once that many nodes and instances are known. */
  | { readonly kind: 'learn'; readonly nodes: number; readonly instances: number }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };

export interface SubjectReport {
  readonly startedMs: number;
  readonly atMs: number;
  readonly instances: number;
  readonly messages: number;
  readonly bytes: number;
  /** Heap and buffers after a collection. */
  readonly heapBytes: number;
  readonly cpuMs: number;
}

const { BROKER_URL = '', TOPIC_PREFIX = '', REACH = 'false', BARE = 'false', NEAR_NODES = '0' } = process.env;
const nearNodes = Number(NEAR_NODES);

const config = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-bench-'));
  const file = join(folder, 'qedge.toml');
  writeFileSync(
    file,
    `[node]\nid = "bench"\n[mqtt]\nurl = "${BROKER_URL}"\ntopic_prefix = "${TOPIC_PREFIX}"\n[placement]\nreach = ${REACH}\n[[service]]\nname = "pilotnet"\nqos = { latency = "80ms", success = 0.9, window = "10s" }\n`,
  );
  try {
    return loadConfig(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
})();

/** What is measured: all of placement, or an MQTT client that does nothing with what it hears. */
interface Subject {
  start(): void;
  stop(): Promise<void>;
  learned(): { readonly nodes: number; readonly instances: number };
  received(): { readonly messages: number; readonly bytes: number };
}

function wholePlacement(): Subject {
  const metrics = createMetrics();
  const placement = createPlacement({
    config,
    clock: { nowMs: () => performance.now() },
    rng: createRng(1),
    log: pino({ level: 'silent' }),
    metrics,
    boot: 'bench',
    ownListeners: () => [{ host: '127.0.0.1', port: 8080 }],
    onUpdate: () => {},
    onNode: () => {},
    onKnown: () => {},
    onObservations: () => {},
    // What the prober would find: the first nodes are near, the others are not.
    onTarget: (nodeId, target) => {
      if (target === null) return;
      const near = Number(nodeId.slice('node-'.length)) < nearNodes;
      setImmediate(() => placement.observeRtt(nodeId, near ? 10 : 200));
    },
  });
  return {
    start: () => placement.start(),
    stop: () => placement.stop(),
    learned: () => {
      const { nodes, instances } = placement.state();
      return { nodes: nodes.length, instances: instances.length };
    },
    received: () => ({
      messages: placement.state().broker?.messagesReceived ?? 0,
      bytes: Number(/mqtt_bytes_received_total (\d+)/.exec(textOf(metrics))?.[1] ?? 0),
    }),
  };
}

function bareClient(): Subject {
  const client = connect(BROKER_URL, { protocolVersion: 5, manualConnect: true });
  const seen = { nodes: 0, instances: 0, bytes: 0 };
  client.on('connect', () =>
    client.subscribe([`${TOPIC_PREFIX}/nodes/+`, `${TOPIC_PREFIX}/nodes/+/services/+/instances/+`]),
  );
  client.on('message', (topic, payload) => {
    if (topic.includes('/instances/')) seen.instances++;
    else seen.nodes++;
    seen.bytes += topic.length + payload.length;
  });
  return {
    start: () => void client.connect(),
    stop: () => client.endAsync(),
    learned: () => seen,
    received: () => ({ messages: seen.nodes + seen.instances, bytes: seen.bytes }),
  };
}

const subject = BARE === 'true' ? bareClient() : wholePlacement();
let startedMs = 0;

const usedBytes = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

function report(): SubjectReport {
  const heapBytes = usedBytes();
  // Read last, so that the collection above is charged to no interval.
  const { user, system } = process.cpuUsage();
  const { instances } = subject.learned();
  const cpuMs = (user + system) / 1_000;
  return { startedMs, atMs: performance.now(), instances, ...subject.received(), heapBytes, cpuMs };
}

process.on('message', (order: SubjectOrder) => {
  switch (order.kind) {
    case 'start':
      startedMs = performance.now();
      subject.start();
      process.send?.(report());
      break;
    case 'learn': {
      const look = (): void => {
        const { nodes, instances } = subject.learned();
        if (nodes < order.nodes || instances < order.instances) setTimeout(look, 5);
        else process.send?.(report());
      };
      look();
      break;
    }
    case 'report':
      process.send?.(report());
      break;
    case 'stop':
      void subject.stop().then(() => process.exit(0));
      break;
  }
});
