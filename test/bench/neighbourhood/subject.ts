// The qedge that is measured: placement and a router with ten requests a second, in a process of its own.

import { pino } from 'pino';
import { createRng } from '../../../src/core/rng.ts';
import { createPlacement } from '../../../src/placement/placement.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { configFrom } from '../../support/config.ts';
import { textOf } from '../../support/metrics.ts';
import { drive, routerAmongNeighbours } from './drive.ts';
import { PREFIX } from './speakers.ts';

export interface SubjectReport {
  readonly atMs: number;
  readonly cpuMs: number;
  /** Of all that comes from the broker. */
  readonly messages: number;
  readonly bytes: number;
  /** Summaries. */
  readonly heard: number;
  readonly sent: number;
  readonly sentBytes: number;
}

export interface SubjectOptions {
  readonly mode: string;
  readonly nodes: number;
  /** The first so many are in reach. */
  readonly nearNodes: number;
}

const SAY_MS = 500;
/** So often it also looks who is near. */
const SAID = 4;
const DRIVE_MS = 100;

/** Answers `learn` when all nodes are known and what is retained was heard, and anything else at once. */
export function runSubject(url: string, { mode, nodes, nearNodes }: SubjectOptions): void {
  const metrics = createMetrics();
  const world = routerAmongNeighbours(1);
  const rng = createRng(1);
  const placement = createPlacement({
    config: configFrom(configText(url, mode)),
    clock: { nowMs: () => performance.now() },
    rng,
    log: pino({ level: 'silent' }),
    metrics,
    boot: 'bench',
    ownListeners: () => [{ host: '127.0.0.1', port: 8080 }],
    onUpdate: () => {},
    onNode: () => {},
    onKnown: () => {},
    onObservations: (nodeId, _service, summary) => world.router.neighbours?.hear(nodeId, summary, world.nowMs),
    onTarget: (nodeId, target) => {
      const node = Number(nodeId.slice('node-'.length));
      if (target !== null) setImmediate(() => placement.observeRtt(nodeId, node < nearNodes ? 10 + node / 100 : 200));
    },
  });
  placement.start();
  setInterval(() => drive(world, DRIVE_MS, rng), DRIVE_MS);
  let turn = 0;
  setInterval(() => {
    if (mode === 'off') return;
    const summary = world.router.neighbours?.summarize(world.nowMs) ?? null;
    const summaries = new Map(summary === null ? [] : [['pilotnet', summary]]);
    if (turn++ % SAID === 0) placement.exchange(summaries);
    else placement.say(summaries);
  }, SAY_MS);

  const figures = (): SubjectReport => {
    const text = textOf(metrics);
    const value = (name: string): number => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
    const { user, system } = process.cpuUsage();
    return {
      atMs: performance.now(),
      cpuMs: (user + system) / 1_000,
      messages: value('qedge_mqtt_messages_received_total'),
      bytes: value('qedge_mqtt_bytes_received_total'),
      heard: value('qedge_neighbours_summaries_received_total'),
      sent: value('qedge_neighbours_summaries_sent_total'),
      sentBytes: value('qedge_neighbours_bytes_sent_total'),
    };
  };
  const hasLearned = (): boolean => {
    const state = placement.state();
    return state.nodes.length >= nodes && state.instances.length >= 3 * nearNodes;
  };
  process.on('message', (order) => {
    const answer = (): void => {
      if (order === 'learn' && !hasLearned()) setTimeout(answer, 50);
      else process.send?.(figures());
    };
    answer();
  });
}

function configText(url: string, mode: string): string {
  return `
node.id = "bench"
mqtt = { url = "${url}", topic_prefix = "${PREFIX}" }
neighbours.mode = "${mode}"
[[service]]
name = "pilotnet"
qos.latency = "80ms"
`;
}
