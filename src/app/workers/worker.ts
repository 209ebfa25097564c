// A worker thread: one more data plane on the same ports. It receives placement and distances, decides and forwards for
// itself, and reports once a second. While nothing is asked of it, it reports when it is told to, and has no timer of its own.

import { parentPort, workerData } from 'node:worker_threads';
import type { Clock } from '../../core/clock.ts';
import { createRng } from '../../core/rng.ts';
import { SharedFlights } from '../../core/router/shared-flights.ts';
import type { InstanceState } from '../../core/service-router.ts';
import { runInTurns } from '../../net/in-turns.ts';
import { oneAtATime } from '../../net/one-at-a-time.ts';
import { createLogger, type Logger } from '../../telemetry/log.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { AttemptTap } from '../data-plane/attempt-tap.ts';
import type { ControlMessage } from '../data-plane/control-message.ts';
import { DataPlane } from '../data-plane/data-plane.ts';
import { answerTo } from '../data-plane/queries.ts';
import { LineBatch } from './line-batch.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';

type Port = NonNullable<typeof parentPort>;

const PART_INSTANCES = 32;

/** A data plane behind a port to the main thread. */
class Worker {
  readonly #port: Port;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #lines: LineBatch;
  readonly #metrics = createMetrics();
  readonly #dataPlane: DataPlane;
  readonly #reportMs: number;
  /** Null: it rests. */
  #reportTimer: NodeJS.Timeout | null = null;
  #ends = false;
  readonly #reportStates: () => void;

  constructor(port: Port, start: WorkerStart) {
    const { config, version, seed, timeOriginMs, loop, flightsMemory, reportMs } = start;
    const offsetMs = performance.timeOrigin - timeOriginMs;
    this.#port = port;
    this.#clock = { nowMs: () => performance.now() + offsetMs };
    this.#lines = new LineBatch((batch) => this.#post({ kind: 'log', lines: batch }));
    this.#log = createLogger({ level: config.log.level, nodeId: config.node.id, destination: this.#lines });
    this.#dataPlane = new DataPlane({
      config,
      version,
      clock: this.#clock,
      rng: createRng(seed),
      log: this.#log,
      metrics: this.#metrics,
      joins: true,
      sharedFlights: flightsMemory === null ? null : new SharedFlights(flightsMemory, loop),
      onHealth: null,
      onEvent: (service, event) => this.#post({ kind: 'event', service, event }),
      onWake: () => this.#reportOften(),
    });
    const onError = (error: unknown): void => this.#log.error({ err: error }, 'worker reports no states');
    this.#reportStates = oneAtATime(() => runInTurns(this.#instanceParts()), onError);
    this.#reportMs = reportMs;
    this.#reportOften();
    port.on('message', (message: ToWorker) => this.#receive(message));
  }

  #receive(message: ToWorker): void {
    if (message.kind === 'configure') this.#log.level = message.config.log.level;
    switch (message.kind) {
      case 'listen':
        this.#listen(message);
        break;
      case 'ask':
        this.#answer(message);
        break;
      case 'tap':
        this.#tap(message);
        break;
      case 'report':
        this.#report();
        break;
      case 'drain':
        void this.#dataPlane.drain(message).then(() => this.#end());
        break;
      default:
        this.#apply(message);
    }
  }

  #apply(message: ControlMessage): void {
    this.#dataPlane.apply(message).catch((error: Error) => this.#log.error({ err: error }, 'worker refused a message'));
  }

  #listen({ sockets, shared }: Extract<ToWorker, { kind: 'listen' }>): void {
    this.#dataPlane.listen(sockets, shared).then(
      () => this.#post({ kind: 'listening' }),
      (error: Error) => {
        this.#post({ kind: 'failed', message: error.message });
        this.#end();
      },
    );
  }

  #answer({ id, query }: Extract<ToWorker, { kind: 'ask' }>): void {
    this.#post({ kind: 'answer', id, answer: answerTo(query, this.#dataPlane.routers, this.#clock.nowMs()) });
  }

  #tap({ service, on }: Extract<ToWorker, { kind: 'tap' }>): void {
    const tap = on ? new AttemptTap((attempts) => this.#post({ kind: 'attempts', service, attempts })) : null;
    this.#dataPlane.routers.get(service)?.setTap(tap);
  }

  #reportOften(): void {
    if (!this.#ends) this.#reportTimer ??= setInterval(() => this.#report(), this.#reportMs);
  }

  #stopReporting(): void {
    if (this.#reportTimer !== null) clearInterval(this.#reportTimer);
    this.#reportTimer = null;
  }

  #report(): void {
    const rests = this.#dataPlane.look();
    if (rests) this.#stopReporting();
    const nowMs = this.#clock.nowMs();
    const overviews = [...this.#dataPlane.routers.values()].map((router) => router.overview(nowMs));
    const chains = this.#dataPlane.chainStates(nowMs);
    const summaries = this.#dataPlane.takeSummaries();
    this.#post({ kind: 'report', rests, overviews, chains, summaries, metrics: this.#metrics.export() });
    this.#reportStates();
  }

  /** Posts the instances in parts, of which each takes the other end a fraction of a millisecond. */
  *#instanceParts(): Iterable<void> {
    for (const router of [...this.#dataPlane.routers.values()]) {
      const { service } = router;
      const nowMs = this.#clock.nowMs();
      let states: InstanceState[] = [];
      const post = (last: boolean): void => this.#post({ kind: 'instances', service, nowMs, states, last });
      for (const state of router.instances(nowMs)) {
        states.push(state);
        if (states.length < PART_INSTANCES) continue;
        post(false);
        states = [];
        yield;
      }
      post(true);
      yield;
    }
  }

  #end(): void {
    this.#ends = true;
    this.#stopReporting();
    void this.#dataPlane.close();
    this.#lines.flush();
    this.#port.close();
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

if (parentPort !== null) new Worker(parentPort, workerData as WorkerStart);
