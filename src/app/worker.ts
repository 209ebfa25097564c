// A worker thread: one more data planes on the same ports. It is told of placement and distances, decides and forwards for
// itself, and reports once a second.

import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../config/config.ts';
import { assertNever } from '../core/assert.ts';
import type { Clock } from '../core/clock.ts';
import { createRng } from '../core/rng.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { DataPlane } from './data-plane.ts';
import { LineBatch } from './line-batch.ts';
import { TryTap } from './try-tap.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';
import { answerTo } from './worker-queries.ts';

const REPORT_MS = 1000;

if (parentPort !== null) run(parentPort, workerData as WorkerStart);

function run(port: NonNullable<typeof parentPort>, { config, version, seed, timeOriginMs }: WorkerStart): void {
  const offsetMs = performance.timeOrigin - timeOriginMs;
  const clock: Clock = { nowMs: () => performance.now() + offsetMs };
  const tell = (message: FromWorker): void => port.postMessage(message);
  const lines = new LineBatch((batch) => tell({ kind: 'log', lines: batch }));
  const log = createLogger({ level: config.log.level, nodeId: config.node.id, destination: lines });
  const metrics = createMetrics();
  const dataPlane = new DataPlane({
    config,
    version,
    clock,
    rng: createRng(seed),
    log,
    metrics,
    joins: true,
    onHealth: null,
    onEvent: (service, event) => tell({ kind: 'event', service, event }),
  });
  const report = setInterval(() => {
    const states = [...dataPlane.routers.values()].map((router) => router.state(clock.nowMs()));
    tell({ kind: 'report', states, metrics: metrics.export() });
  }, REPORT_MS);
  const end = (): void => {
    clearInterval(report);
    void dataPlane.close();
    lines.flush();
    port.close();
  };
  const listen = ({ sockets, shared }: Extract<ToWorker, { kind: 'listen' }>): void => {
    dataPlane.listen(sockets, shared).then(
      () => tell({ kind: 'listening' }),
      (error: Error) => {
        tell({ kind: 'failed', message: error.message });
        end();
      },
    );
  };
  port.on('message', (message: ToWorker) => {
    handle(dataPlane, message, clock).catch((error: Error) => log.error({ err: error }, 'worker refused a message'));
    if (message.kind === 'listen') listen(message);
    if (message.kind === 'ask') {
      const { id, question } = message;
      tell({ kind: 'answer', id, answer: answerTo(question, dataPlane.routers, clock.nowMs()) });
    }
    if (message.kind === 'tap') {
      const { service, on } = message;
      const tap = on ? new TryTap((tries) => tell({ kind: 'tries', service, tries })) : null;
      dataPlane.routers.get(service)?.setTap(tap);
    }
    if (message.kind === 'configure') log.level = message.config.log.level;
    if (message.kind === 'drain') void dataPlane.drain(message).then(end);
  });
}

async function handle(dataPlane: DataPlane, message: ToWorker, clock: Clock): Promise<void> {
  switch (message.kind) {
    case 'start':
      dataPlane.start(message.learned, message.ageMs);
      return;
    case 'placement':
      dataPlane.applyPlacement(message.service, message.update);
      return;
    case 'rtt':
      dataPlane.observeRtt(message.nodeId, message.rttMs);
      return;
    case 'health':
      dataPlane.observeHealth(message.service, message.key, message.healthy);
      return;
    case 'drain-instance':
      dataPlane.drainInstance(message.service, message.key, message.on);
      return;
    case 'node-gone':
      dataPlane.forgetNode(message.nodeId);
      return;
    case 'name':
      dataPlane.observeName(message.name, message.resolution);
      return;
    case 'configure':
      await dataPlane.configure(message.config satisfies Config);
      return;
    case 'reset':
      dataPlane.routers.get(message.service)?.reset(clock.nowMs());
      return;
    case 'listen':
    case 'ask':
    case 'tap':
    case 'drain':
      return;
    default:
      assertNever(message);
  }
}
