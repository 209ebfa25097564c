// `PUT` and `GET /api/v1/fl/<task>/snapshot`: where the global aggregator's command puts the model after a round, and gets it from when
// a generation begins. The key of a generation is part of its address: what is left of an earlier one changes nothing. All that see the
// state of the task can read the model, with a key that is made of the first, and cannot put one in its place.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { HostPort } from '../../core/domain.ts';
import { CommandError, notListening } from '../../errors.ts';
import { joined } from '../messages/payloads.ts';
import { BadSnapshotError, type Snapshot, type Snapshots } from './snapshots.ts';

export interface SnapshotServerOptions {
  readonly task: string;
  readonly listen: HostPort;
  /** Where nodes reach it; the port is that of `listen`. */
  readonly address: string;
  readonly snapshots: Snapshots;
  /** The round of a model whose sender does not say it. */
  readonly round: () => number;
  /** The last round that a model may be of. */
  readonly roundMax: () => number;
  /** @param from the address that it was put from */
  readonly onSnapshot: (snapshot: Snapshot, from: string) => void;
}

/** A model is on its way for this long at most, ms. */
const REQUEST_MS_MAX = 10 * 60_000;

/** The server of one controller; refuses everything while it has no key. */
export class SnapshotServer {
  readonly #options: SnapshotServerOptions;
  readonly #server: Server;
  #key: string | null = null;
  #busy = false;

  constructor(options: SnapshotServerOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: REQUEST_MS_MAX }, (request, response) => {
      void this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** @throws CommandError where the port cannot be had */
  async listen(): Promise<void> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      // Also later, when it means nothing any more: an error that nothing hears ends the process.
      this.#server.on('error', (error: NodeJS.ErrnoException) => {
        reject(new CommandError(`controller.listen ${joined(host, port)}: ${notListening(error)}`, 1, error));
      });
      this.#server.listen(port, host, resolve);
    });
  }

  /** Only this key opens it from now on; null: none. */
  admit(key: string | null): void {
    this.#key = key;
  }

  /** Where the model is got and put. */
  get url(): string {
    return this.#urlWith(this.#key ?? '');
  }

  /** Where it is got alone. */
  get readUrl(): string {
    return this.#urlWith(this.#key === null ? '' : readKey(this.#key));
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #urlWith(key: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://${joined(this.#options.address, port)}${this.#path}?key=${key}`;
  }

  get #path(): string {
    return `/api/v1/fl/${this.#options.task}/snapshot`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://controller');
    if (url.pathname !== this.#path) return refuse(response, 404, `no such path: ${url.pathname}`);
    const key = url.searchParams.get('key');
    const mayPut = this.#key !== null && key === this.#key;
    const mayGet = mayPut || (this.#key !== null && key === readKey(this.#key));
    if (request.method === 'PUT' ? !mayPut : !mayGet) {
      return refuse(response, 403, 'not the key of the generation that runs');
    }
    if (request.method === 'PUT') return this.#put(request, response);
    if (request.method === 'GET') return this.#get(response);
    response.setHeader('allow', 'GET, PUT');
    return refuse(response, 405, `expected GET or PUT, got ${request.method}`);
  }

  async #get(response: ServerResponse): Promise<void> {
    const { newest } = this.#options.snapshots;
    if (newest === null) return refuse(response, 404, 'there is no snapshot yet');
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': newest.bytes,
      'content-digest': `sha-256=:${Buffer.from(newest.sha256, 'hex').toString('base64')}:`,
      'x-fl-round': newest.round,
    });
    await pipeline(createReadStream(newest.path), response);
  }

  async #put(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const round = roundOf(request) ?? this.#options.round();
    const sha256 = digestOf(request);
    if (!(Number.isInteger(round) && round >= 0 && round <= this.#options.roundMax())) {
      return refuse(response, 400, `x-fl-round: expected a round up to ${this.#options.roundMax()}, got ${round}`);
    }
    if (sha256 === undefined) return refuse(response, 400, 'content-digest: expected sha-256=:…: (RFC 9530)');
    // Two at once are two processes that both take themselves for the global aggregator.
    if (this.#busy) return refuse(response, 409, 'another snapshot is on its way');
    this.#busy = true;
    const from = request.socket.remoteAddress ?? '';
    try {
      const snapshot = await this.#options.snapshots.receive(request, { round, sha256 });
      this.#options.onSnapshot(snapshot, from);
      send(response, 201, { round, sha256: snapshot.sha256, bytes: snapshot.bytes });
    } catch (error) {
      // A sender that broke off hears nothing any more.
      if (error instanceof BadSnapshotError) refuse(response, 400, error.message);
      else if (!request.complete) response.destroy();
      else refuse(response, 500, error instanceof Error ? error.message : String(error));
    } finally {
      this.#busy = false;
    }
  }
}

/** From it the key that it is made of cannot be found. */
const readKey = (key: string): string => createHash('sha256').update(`read ${key}`).digest('hex').slice(0, 32);

function roundOf({ headers }: IncomingMessage): number | null {
  const text = headers['x-fl-round'];
  return text === undefined ? null : Number(text);
}

/** RFC 9530, in hexadecimal; null: it says none. */
function digestOf({ headers }: IncomingMessage): string | null | undefined {
  const text = headers['content-digest'];
  if (text === undefined) return null;
  const [, base64] = /(?:^|,\s*)sha-256=:([A-Za-z0-9+/=]{44}):/.exec(String(text)) ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('hex');
}

function refuse(response: ServerResponse, status: number, detail: string): void {
  // What is not read of a request would stand in the way of the next one.
  response.setHeader('connection', 'close');
  send(response, status, { detail });
}

function send(response: ServerResponse, status: number, body: Readonly<Record<string, unknown>>): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
