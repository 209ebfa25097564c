// A worker thread: one more data plane on the same ports. It receives placement and distances, decides and forwards for
// itself, and reports once a second.

import { parentPort, workerData } from 'node:worker_threads';
import type { Clock } from '../../core/clock.ts';
import { createRng } from '../../core/rng.ts';
import { createLogger } from '../../telemetry/log.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { AttemptTap } from '../data-plane/attempt-tap.ts';
import { DataPlane } from '../data-plane/data-plane.ts';
import { answerTo } from '../data-plane/queries.ts';
import { LineBatch } from './line-batch.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';

if (parentPort !== null) run(parentPort, workerData as WorkerStart);

function run(
  port: NonNullable<typeof parentPort>,
  { config, version, seed, timeOriginMs, reportMs }: WorkerStart,
): void {
  const offsetMs = performance.timeOrigin - timeOriginMs;
  const clock: Clock = { nowMs: () => performance.now() + offsetMs };
  const post = (message: FromWorker): void => port.postMessage(message);
  const lines = new LineBatch((batch) => post({ kind: 'log', lines: batch }));
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
    onEvent: (service, event) => post({ kind: 'event', service, event }),
  });
  const report = setInterval(() => {
    const states = [...dataPlane.routers.values()].map((router) => router.state(clock.nowMs()));
    post({ kind: 'report', states, metrics: metrics.export() });
  }, reportMs);
  const end = (): void => {
    clearInterval(report);
    void dataPlane.close();
    lines.flush();
    port.close();
  };
  const listen = ({ sockets, shared }: Extract<ToWorker, { kind: 'listen' }>): void => {
    dataPlane.listen(sockets, shared).then(
      () => post({ kind: 'listening' }),
      (error: Error) => {
        post({ kind: 'failed', message: error.message });
        end();
      },
    );
  };
  const tap = ({ service, on }: Extract<ToWorker, { kind: 'tap' }>): void => {
    const attempts = on ? new AttemptTap((finished) => post({ kind: 'attempts', service, attempts: finished })) : null;
    dataPlane.routers.get(service)?.setTap(attempts);
  };
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'configure') log.level = message.config.log.level;
    switch (message.kind) {
      case 'listen':
        return listen(message);
      case 'ask':
        return post({
          kind: 'answer',
          id: message.id,
          answer: answerTo(message.question, dataPlane.routers, clock.nowMs()),
        });
      case 'tap':
        return tap(message);
      case 'drain':
        return void dataPlane.drain(message).then(end);
      default:
        dataPlane.apply(message).catch((error: Error) => log.error({ err: error }, 'worker refused a message'));
    }
  });
}
