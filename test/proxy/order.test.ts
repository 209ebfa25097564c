// Clients that send ahead, in any pieces, read slowly or leave, against instances that answer early, late, in pieces, or not
// at all: no matter what happens, an answer is the one to its request, whole, and in its turn.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/core/rng.ts';
import { ResponseParser } from '../../src/proxy/upstream/http1/response-parser.ts';
import { PATIENCE } from '../support/patience.ts';
import { bodyOf, startInstance, startProxy } from '../support/proxy.ts';

const CLIENTS = 600;
const AT_ONCE = 12;
/** Of what one client sends. */
const PIECES_MAX = 100;

/** What the instance does with a request: the target says it. */
const BEHAVIOURS = ['whole', 'pieces', 'late', 'early', 'hints', 'hangs-up', 'cuts-off'] as const;

interface Planned {
  readonly method: string;
  readonly target: string;
  readonly behaviour: (typeof BEHAVIOURS)[number];
  readonly bodyBytes: number;
  readonly chunked: boolean;
  readonly answerBytes: number;
}

interface Plan {
  readonly requests: readonly Planned[];
  /** Cuts what is sent into pieces of up to this. */
  readonly pieceBytes: number;
  readonly readsSlowly: boolean;
  /** Goes away behind this many bytes of what it sends; Infinity: it stays. */
  readonly leavesBehindBytes: number;
}

function pick<T>(rng: Rng, from: readonly T[]): T {
  const picked = from[Math.floor(rng.next() * from.length)];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}

function planOf(rng: Rng, client: number): Plan {
  const requests = Array.from({ length: 1 + Math.floor(rng.next() * 8) }, (_, index): Planned => {
    const method = pick(rng, ['GET', 'GET', 'GET', 'POST', 'PUT', 'HEAD', 'PROPFIND']);
    const behaviour = rng.next() < 0.6 ? 'whole' : pick(rng, BEHAVIOURS);
    const answerBytes = pick(rng, [0, 10, 5000, 65_400, 200_000]);
    const mayHaveBody = method === 'POST' || method === 'PUT';
    const bodyBytes = mayHaveBody ? pick(rng, [0, 10, 3000, 29_000, 31_000, 150_000]) : 0;
    const chunked = bodyBytes > 0 && rng.next() < 0.15;
    return {
      method,
      behaviour,
      answerBytes,
      bodyBytes,
      chunked,
      target: `/${client}-${index}/${behaviour}/${answerBytes}`,
    };
  });
  const leavesBehindBytes = rng.next() < 0.1 ? rng.next() * bytesOf(requests).length : Number.POSITIVE_INFINITY;
  return { requests, pieceBytes: pick(rng, [40, 3000, 70_000, 1e9]), readsSlowly: rng.next() < 0.2, leavesBehindBytes };
}

function bytesOf(requests: readonly Planned[]): string {
  return requests
    .map(({ method, target, bodyBytes, chunked }, index) => {
      const body = 'b'.repeat(bodyBytes);
      const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bodyBytes}`;
      const last = index === requests.length - 1 ? 'Connection: close\r\n' : '';
      const head = `${method} ${target} HTTP/1.1\r\nHost: pilotnet\r\n${framing}\r\n${last}\r\n`;
      return head + (chunked ? `${bodyBytes.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body);
    })
    .join('');
}

const bodyFor = (target: string, bodyBytes: number | 'early', answerBytes: number): string =>
  `<${target} ${bodyBytes}>${'y'.repeat(answerBytes)}`;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

const behave: RequestListener = async (request, response) => {
  const target = request.url ?? '';
  const [, , behaviour, bytes] = target.split('/');
  const answerBytes = Number(bytes);
  if (behaviour === 'hangs-up') {
    request.socket.destroy();
    return;
  }
  const bodyBytes = behaviour === 'early' ? 'early' : (await bodyOf(request).catch(() => '')).length;
  if (behaviour === 'hints') response.writeEarlyHints({ link: '</a>' });
  if (behaviour === 'late') await turns(20);
  await answerWith(request, response, { behaviour, text: bodyFor(target, bodyBytes, answerBytes) });
};

async function answerWith(
  { socket }: IncomingMessage,
  response: ServerResponse,
  { behaviour, text }: { readonly behaviour: string | undefined; readonly text: string },
): Promise<void> {
  if (behaviour === 'cuts-off') {
    response.writeHead(200, { 'content-length': text.length + 1 });
    response.write(text, () => socket.destroy());
  } else if (behaviour === 'pieces' || behaviour === 'hints') {
    const step = Math.ceil(text.length / 4);
    for (let at = 0; at < text.length; at += step) {
      response.write(text.slice(at, at + step));
      await turns(2);
    }
    response.end();
  } else {
    response.writeHead(200, { 'content-length': text.length });
    response.end(text);
  }
}

/** One client from its first byte to the end of its connection. What was not as it must be. */
class Client {
  readonly complaints: string[] = [];
  readonly #plan: Plan;
  readonly #parser: ResponseParser;
  #answered = 0;
  #status = 0;
  #body: Buffer[] = [];
  #closes = false;
  #leaves = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#parser = new ResponseParser({
      onInformation: (status) => status === 103 || this.#complain(`status ${status} before an answer`),
      onHead: (status, _, fields) => {
        this.#status = status;
        this.#closes = fields.some((name, i) => name === 'Connection' && fields[i + 1] === 'close');
      },
      onData: (chunk) => this.#body.push(chunk),
      onEnd: () => this.#onAnswer(),
    });
  }

  run(port: number): Promise<readonly string[]> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#parser.begin(this.#asked?.method === 'HEAD');
    socket.on('data', (chunk) => {
      this.#take(chunk);
      if (!this.#plan.readsSlowly) return;
      socket.pause();
      void turns(3).then(() => socket.resume());
    });
    socket.on('error', () => {});
    const sent = this.#send(socket);
    return new Promise((resolve) => {
      socket.on('close', async () => {
        await sent;
        this.#onClose();
        resolve(this.complaints);
      });
    });
  }

  get #asked(): Planned | undefined {
    return this.#plan.requests[this.#answered];
  }

  async #send(socket: ReturnType<typeof connect>): Promise<void> {
    const { requests, pieceBytes, leavesBehindBytes } = this.#plan;
    const wire = bytesOf(requests);
    const step = Math.max(pieceBytes, wire.length / PIECES_MAX);
    for (let at = 0; at < wire.length && !socket.destroyed; at += step) {
      if (at > leavesBehindBytes) {
        this.#leaves = true;
        socket.resetAndDestroy();
        return;
      }
      socket.write(wire.slice(at, at + step), 'latin1');
      await turn();
    }
  }

  #take(chunk: Buffer): void {
    try {
      this.#parser.feed(chunk);
    } catch (error) {
      this.#complain(`${(error as Error).message}: ${chunk.toString('latin1', 0, 60)}`);
      this.#parser.stop();
    }
  }

  #onAnswer(): void {
    const asked = this.#asked;
    const body = Buffer.concat(this.#body).toString('latin1');
    this.#body = [];
    this.#answered++;
    if (asked === undefined) this.#complain('an answer that was not asked for');
    else this.#judge(asked, body);
    if (this.#asked !== undefined) this.#parser.begin(this.#asked.method === 'HEAD');
  }

  #judge({ method, target, behaviour, bodyBytes, answerBytes }: Planned, body: string): void {
    const asked = behaviour === 'early' ? 'early' : bodyBytes;
    const right = method === 'HEAD' ? '' : bodyFor(target, asked, answerBytes);
    if ((behaviour === 'hangs-up' || behaviour === 'cuts-off') && this.#status === 502) return;
    if (this.#status !== 200) this.#complain(`status ${this.#status} to ${target}: ${body.slice(0, 200)}`);
    else if (body !== right) this.#complain(`${target} was answered ${body.slice(0, 60)} (${body.length} bytes)`);
  }

  /** Only an answer that says so, or one that is cut off, is the last; a reset also takes what the client had not read yet. */
  #onClose(): void {
    const unanswered = this.#plan.requests.slice(this.#answered);
    const cutOff = unanswered.some(({ behaviour }) => behaviour === 'cuts-off');
    if (unanswered.length === 0 || this.#leaves || this.#closes || cutOff) return;
    this.#complain(`closed instead of an answer to ${unanswered[0]?.target}`);
  }

  #complain(what: string): void {
    this.complaints.push(what);
  }
}

describe('requests sent ahead', () => {
  it('are each answered with their own answer, whole and in turn, or not at all', async () => {
    const instance = await startInstance(behave);
    const qos = { latencyMs: 60_000, successRatio: 0.9, windowMs: 10_000 };
    const retry = { bodyBytesMax: 30_000, budgetRatio: 1, budgetPerSecond: 100 };
    const { port, proxy } = await startProxy([
      { name: 'pilotnet', ports: [instance.port], timeoutMs: 60_000, qos, retry },
    ]);
    const rng = createRng(7);
    const plans = Array.from({ length: CLIENTS }, (_, client) => planOf(rng, client));
    const complaints: string[] = [];
    const runAll = async (): Promise<void> => {
      for (let plan = plans.pop(); plan !== undefined; plan = plans.pop()) {
        complaints.push(...(await new Client(plan).run(port)));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, runAll));
    expect(complaints).toEqual([]);
    await expect.poll(() => proxy.stats(), PATIENCE).toMatchObject({ connections: 0, inFlight: 0 });
  });
});
