// Where the models of some nodes are gathered: hands out the present one, takes what was trained on it, and averages once all have sent
// theirs, or some have for long enough. `GET /model?after=VERSION` waits for a newer one; `POST /model?node=N&version=V&samples=S` gives
// one back.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { average, WEIGHTS } from './softmax.ts';
import { decodeWeights, encodeWeights, MODEL_BYTES } from './weights.ts';

/** After the first model of a round the others have this long, ms. */
const PATIENCE_MS = 10_000;
/** A question for a newer model is answered by then, ms. */
const POLL_MS = 20_000;
const SAMPLES_MAX = 1e12;

/** A model with the samples that are in it. */
export interface Gathered {
  readonly weights: Float64Array;
  readonly samples: number;
}

/** The server of an aggregator. */
export class Gathering {
  readonly #children: number;
  readonly #onNonsense: (node: string, reason: string) => void;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  readonly #models = new Map<string, Gathered>();
  #weights: Float64Array = new Float64Array(WEIGHTS);
  #round = 0;
  #version = 0;
  #whole = Promise.withResolvers<void>();
  #late: NodeJS.Timeout | null = null;

  constructor(children: number, onNonsense: (node: string, reason: string) => void) {
    this.#children = children;
    this.#onNonsense = onNonsense;
    this.#server = createServer(
      (request, response) => void this.#answer(request, response).catch(() => response.destroy()),
    );
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
  }

  /** Hands out another model. */
  offer(weights: Float64Array, round: number): void {
    this.#weights = weights;
    this.#round = round;
    // No version of an earlier life of this aggregator comes again.
    this.#version = this.#version === 0 ? Math.ceil(Math.random() * 2 ** 40) : this.#version + 1;
    this.#models.clear();
    // A model that came after the last round was closed is of that round.
    if (this.#late !== null) clearTimeout(this.#late);
    this.#late = null;
    this.#whole = Promise.withResolvers();
    for (const wake of this.#waiting) wake();
  }

  /** The mean of what the nodes make of the present model. */
  async gathered(): Promise<Gathered> {
    await this.#whole.promise;
    if (this.#late !== null) clearTimeout(this.#late);
    this.#late = null;
    const models = [...this.#models.values()];
    return { weights: average(models), samples: models.reduce((sum, { samples }) => sum + samples, 0) };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://aggregator');
    if (pathname !== '/model') return void response.writeHead(404).end();
    if (request.method === 'POST') return this.#take(searchParams, request, response);
    await this.#newer(Number(searchParams.get('after') ?? 0));
    response.setHeader('x-fl-version', this.#version);
    response.setHeader('x-fl-round', this.#round);
    response.end(encodeWeights(this.#weights));
  }

  async #newer(after: number): Promise<void> {
    if (this.#version > 0 && after !== this.#version) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  async #take(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const node = (query.get('node') ?? '').slice(0, 64);
    const samples = Number(query.get('samples'));
    const weights = decodeWeights(await bodyOf(request));
    const wrong =
      typeof weights === 'string' ? weights : samples > 0 && samples <= SAMPLES_MAX ? null : `samples: ${samples}`;
    if (wrong !== null || typeof weights === 'string') {
      this.#onNonsense(node, wrong ?? '');
      return void response.writeHead(400).end();
    }
    if (Number(query.get('version')) !== this.#version) return void response.writeHead(409).end();
    this.#models.set(node, { weights, samples });
    response.writeHead(204).end();
    if (this.#models.size >= this.#children) this.#whole.resolve();
    else this.#late ??= setTimeout(() => this.#whole.resolve(), PATIENCE_MS);
  }
}

/** No more of it than a model and a byte. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (bytes <= MODEL_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  }
  return Buffer.concat(chunks).subarray(0, MODEL_BYTES + 1);
}
