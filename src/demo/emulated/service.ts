// One emulated inference service instance: a real HTTP server on loopback that takes one frame at a time (a GPU or an
// NPU serves one inference after the other), works for a random time on each, and stands a network distance away.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Rng } from '../../core/rng.ts';
import { RequestError } from '../scenes/inference.ts';
import { DistantServer } from './distant-server.ts';
import type { Link } from './link.ts';

/** Lognormal processing time of one request. Mutable: an instance may slow down while it runs. */
export interface WorkTime {
  /** Mean, ms, > 0. */
  meanMs: number;
  /** Coefficient of variation (deviation over mean), ≥ 0. */
  variation: number;
}

export interface EmulatedServiceOptions {
  readonly work: WorkTime;
  readonly link: Link;
  readonly rng: Rng;
  /** The answer to one whole request body; throws a `RequestError` for a body that is no input of this service. */
  readonly answer: (body: Buffer) => unknown;
  /** Loopback port; any free one when absent. */
  readonly port?: number;
}

/** Waiting requests beyond which an instance answers 503, as a full accept queue would. */
const QUEUE_MAX = 1024;
const BODY_BYTES_MAX = 8 * 1024 * 1024;

export class EmulatedService {
  readonly work: WorkTime;
  readonly link: Link;
  /** Requests answered in full. */
  served = 0;
  readonly #rng: Rng;
  readonly #answer: (body: Buffer) => unknown;
  readonly #queue: { readonly body: Buffer; readonly response: ServerResponse; readonly cameMs: number }[] = [];
  #busy: NodeJS.Timeout | null = null;
  /** When the work on the last frame was to end. A timer that comes late makes an answer late, but the instance no slower. */
  #endMs = 0;
  #server: DistantServer | null = null;

  private constructor(options: EmulatedServiceOptions) {
    this.work = options.work;
    this.link = options.link;
    this.#rng = options.rng;
    this.#answer = options.answer;
  }

  /** Starts listening; throws a `CommandError` when a wanted port is taken. */
  static async start(options: EmulatedServiceOptions): Promise<EmulatedService> {
    const service = new EmulatedService(options);
    service.#server = await DistantServer.start({
      link: options.link,
      rng: options.rng,
      handler: (request, response) => service.#receive(request, response),
      ...(options.port === undefined ? {} : { port: options.port }),
    });
    return service;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** Requests waiting or in work. */
  get load(): number {
    return this.#queue.length + (this.#busy === null ? 0 : 1);
  }

  /** Dies as a killed process does: connections are reset, the port refuses from now on. */
  async crash(): Promise<void> {
    this.#stopWork();
    await this.#server?.crash();
  }

  /** Stops listening, drops what waits and closes every connection. */
  async close(): Promise<void> {
    this.#stopWork();
    await this.#server?.close();
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.on('error', () => {});
    request.on('end', () => {
      if (bytes > BODY_BYTES_MAX) send(response, 413, { error: `body of ${bytes} bytes is too large` });
      else if (this.#queue.length >= QUEUE_MAX) send(response, 503, { error: 'queue is full' });
      else this.#enqueue(Buffer.concat(chunks), response);
    });
  }

  #enqueue(body: Buffer, response: ServerResponse): void {
    this.#queue.push({ body, response, cameMs: performance.now() });
    if (this.#busy === null) this.#next();
  }

  #next(): void {
    let job = this.#queue.shift();
    // A client that went away while waiting is not worked for.
    while (job?.response.destroyed === true) job = this.#queue.shift();
    if (job === undefined) return;
    const { body, response, cameMs } = job;
    this.#endMs = Math.max(this.#endMs, cameMs) + lognormal(this.work, this.#rng);
    this.#busy = setTimeout(
      () => {
        this.#busy = null;
        this.#finish(body, response);
        this.#next();
      },
      Math.max(1, Math.round(this.#endMs - performance.now())),
    );
  }

  #finish(body: Buffer, response: ServerResponse): void {
    try {
      send(response, 200, this.#answer(body));
      this.served++;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      send(response, 400, { error: error.message });
    }
  }

  #stopWork(): void {
    if (this.#busy !== null) clearTimeout(this.#busy);
    this.#busy = null;
    this.#queue.length = 0;
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length });
  response.end(text);
}

/** A lognormal sample with the given mean and coefficient of variation (Box–Muller for the normal under it). */
function lognormal(work: WorkTime, rng: Rng): number {
  const variance = Math.log(1 + work.variation ** 2);
  const normal = Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
  return work.meanMs * Math.exp(Math.sqrt(variance) * normal - variance / 2);
}
