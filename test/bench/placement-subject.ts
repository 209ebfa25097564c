// The qedge that bench/placement.ts measures: placement in a process of its own, which reports when asked.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/load.ts';
import { createRng } from '../../src/core/rng.ts';
import { createPlacement } from '../../src/placement/placement.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

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

const { BROKER_URL = '', TOPIC_PREFIX = '', REACH = 'false', NEAR_NODES = '0' } = process.env;
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

const metrics = createMetrics();
let startedMs = 0;
let updates = 0;
const placement = createPlacement({
  config,
  clock: { nowMs: () => performance.now() },
  rng: createRng(1),
  log: pino({ level: 'silent' }),
  metrics,
  boot: 'bench',
  ownListeners: () => [{ host: '127.0.0.1', port: 8080 }],
  onUpdate: () => {
    updates++;
  },
  onNode: () => {},
  // What the prober would find: the first nodes are near, the others are not.
  onTarget: (nodeId, target) => {
    if (target === null) return;
    const near = Number(nodeId.slice('node-'.length)) < nearNodes;
    setImmediate(() => placement.observeRtt(nodeId, near ? 10 : 200));
  },
});

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
  const { broker, instances } = placement.state();
  return {
    startedMs,
    atMs: performance.now(),
    instances: instances.length,
    messages: broker?.messagesReceived ?? 0,
    bytes: Number(/mqtt_bytes_received_total (\d+)/.exec(metrics.render())?.[1] ?? 0),
    heapBytes,
    cpuMs: (user + system) / 1_000,
  };
}

process.on('message', (order: SubjectOrder) => {
  switch (order.kind) {
    case 'start':
      startedMs = performance.now();
      placement.start();
      process.send?.(report());
      break;
    case 'learn': {
      const look = (): void => {
        const { nodes, instances } = placement.state();
        if (nodes.length < order.nodes || instances.length < order.instances || updates < order.instances) {
          setTimeout(look, 5);
        } else process.send?.(report());
      };
      look();
      break;
    }
    case 'report':
      process.send?.(report());
      break;
    case 'stop':
      void placement.stop().then(() => process.exit(0));
      break;
  }
});
