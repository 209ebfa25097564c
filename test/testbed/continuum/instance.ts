// One instance, a process of its own: a real HTTP server in front of the simulator's queue, which runs by the clock of the machine
// here. It takes as long as work would and burns no processor, so that many share a machine.

import { createServer, type ServerResponse } from 'node:http';
import { Agenda, EVENT } from '../../../src/sim/events/agenda.ts';
import { ANSWERED, type SiteChange, Sites } from '../../../src/sim/instances/sites.ts';
import type { WorldInstance } from '../../../src/sim/world/world.ts';
import { clockMs, watchStalls } from './clock.ts';
import type { Span } from './network.ts';

/** Where it listens, on its host. */
export const INSTANCE_PORT = 9000;
/** Factor on the work of a request, where it is not 1. */
export const WORK_HEADER = 'x-work';

/** What it is asked for. */
export type InstanceOrder =
  | { readonly kind: 'begin'; readonly instance: WorldInstance; readonly seed: number }
  | { readonly kind: 'change'; readonly change: SiteChange };

/** What it reports. */
export type InstanceReport = { readonly kind: 'listening' } | { readonly kind: 'stall'; readonly span: Span };

/** Timers have whole milliseconds: what is due within half of one is due. */
const SLACK_MS = 0.5;
const BODY = Buffer.from('{"steering": 0.1}\n');

class RealTimeInstance {
  readonly #agenda = new Agenda();
  readonly #sites: Sites;
  readonly #startMs = clockMs();
  readonly #waiting = new Map<number, ServerResponse>();
  readonly #results = new Map<number, number>();
  #slots = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(instance: WorldInstance, seed: number) {
    this.#sites = new Sites({
      world: { instances: [{ ...instance, fromStart: true }] },
      seed,
      agenda: this.#agenda,
      onAnswer: (slot, _instance, result, afterMs) => {
        this.#results.set(slot, result);
        this.#agenda.push(this.#agenda.nowMs + afterMs, EVENT.reply, slot);
      },
    });
    this.#catchUp();
  }

  take(response: ServerResponse, workFactor: number): void {
    this.#catchUp();
    const slot = this.#slots++ % 2 ** 20;
    this.#waiting.set(slot, response);
    this.#sites.enter(slot, 0, workFactor);
    this.#catchUp();
  }

  change(change: SiteChange): void {
    this.#catchUp();
    this.#sites.apply({ ...change, instance: 0 });
    this.#catchUp();
  }

  /** Everything that is due happens, at the time that it was due; then the clock stands at now. */
  #catchUp(): void {
    const nowMs = clockMs() - this.#startMs;
    while (this.#agenda.next(nowMs + SLACK_MS)) {
      const { kind, subject } = this.#agenda;
      if (!this.#sites.handle(kind, subject)) this.#reply(subject);
    }
    this.#agenda.nowMs = Math.max(nowMs, this.#agenda.nowMs);
    clearTimeout(this.#timer);
    const { nextMs } = this.#agenda;
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#catchUp(), Math.max(0, Math.round(nextMs - nowMs)));
  }

  #reply(slot: number): void {
    const response = this.#waiting.get(slot);
    const answered = this.#results.get(slot) === ANSWERED;
    this.#waiting.delete(slot);
    this.#results.delete(slot);
    response?.writeHead(answered ? 200 : 503, { 'content-length': BODY.length }).end(BODY);
  }
}

function serve(instance: RealTimeInstance): void {
  const server = createServer((request, response) => {
    request.resume().once('end', () => instance.take(response, Number(request.headers[WORK_HEADER] ?? 1)));
    request.on('error', () => {});
  });
  // Longer than a proxy keeps idle connections, so that it never sends into one that is about to close.
  server.keepAliveTimeout = 120_000;
  server.listen(INSTANCE_PORT, () => report({ kind: 'listening' }));
}

function report(message: InstanceReport): void {
  process.send?.(message);
}

if (process.argv[1] === import.meta.filename) {
  let instance: RealTimeInstance | null = null;
  watchStalls((span) => report({ kind: 'stall', span }));
  process.on('message', (order: InstanceOrder) => {
    if (order.kind === 'change') {
      instance?.change(order.change);
      return;
    }
    instance = new RealTimeInstance(order.instance, order.seed);
    serve(instance);
  });
}
