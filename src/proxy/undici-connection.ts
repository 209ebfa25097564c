// One connection to an instance behind TLS, over which whole requests go through undici's dispatch in one write.

import type { Client, Dispatcher } from 'undici';
import { undici } from '../packages.ts';
import type { Opener, PooledConnection } from './instance-pool.ts';
import type { ConnectionOwner } from './plain-connection.ts';
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream.ts';
import { upstreamError } from './upstream.ts';

/** The pool closes idle connections well before this. */
const KEEP_ALIVE_MS = 600_000;

export class UndiciConnection implements PooledConnection {
  idle = false;
  idleSinceMs = 0;
  readonly idleMsMax = Number.POSITIVE_INFINITY;
  readonly #client: Client;
  readonly #serverName: string;
  readonly #owner: ConnectionOwner;

  constructor(origin: string, serverName: string, open: Opener, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#serverName = serverName;
    const { Client } = undici();
    this.#client = new Client(origin, {
      connect: (_options, done) => {
        open(null, (error, socket) => {
          if (socket === null) done(error ?? new Error('not connected'), null);
          else done(null, socket);
        });
      },
      pipelining: 1,
      // Timeouts are the exchange's own: to the millisecond, and never charging an instance for a slow client.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      allowH2: false,
    });
    this.#client.on('connect', () => owner.countConnection(1));
    this.#client.on('disconnect', (_origin, _targets, error) => this.#onDisconnect(error));
  }

  get destroyed(): boolean {
    return this.#client.destroyed;
  }

  send(request: UpstreamRequest, body: Buffer | null, handler: UpstreamHandler): UpstreamCall {
    const call = new DispatchCall(this, this.#owner, handler);
    const options: PlainDispatch = {
      path: request.target,
      method: request.method as Dispatcher.HttpMethod,
      headers: request.fields,
      body,
      // Found out from Host otherwise, for every request, and another Host would cost the connection. The pool's own
      // connector knows the name.
      servername: this.#serverName,
      // undici closes the connection after HEAD and after a GET with a body, unless told not to.
      reset: false,
    };
    this.#client.dispatch(options, call);
    return call;
  }

  destroy(): void {
    this.idle = false;
    this.#client.destroy().catch(() => {});
  }

  #onDisconnect(error: Error & { readonly code?: string }): void {
    this.#owner.countConnection(-1);
    if (!this.idle) return;
    this.destroy();
    // UND_ERR_INFO: it was us who closed it.
    if (error.code !== 'UND_ERR_INFO') this.#owner.closedIdle(this);
  }
}

/** undici takes a server name for one request, but its types do not say so. */
interface PlainDispatch extends Dispatcher.DispatchOptions {
  readonly servername: string;
}

class DispatchCall implements Dispatcher.DispatchHandler, UpstreamCall {
  readonly #connection: UndiciConnection;
  readonly #owner: ConnectionOwner;
  readonly #handler: UpstreamHandler;
  #controller: Dispatcher.DispatchController | null = null;
  #answered = false;
  #over = false;

  constructor(connection: UndiciConnection, owner: ConnectionOwner, handler: UpstreamHandler) {
    this.#connection = connection;
    this.#owner = owner;
    this.#handler = handler;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, reason?: string): void {
    const fields = decoded(controller.rawHeaders);
    if (status < 200) {
      this.#handler.onInformation(status, fields);
      return;
    }
    this.#answered = true;
    this.#handler.onHead(status, reason ?? '', fields);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.onData(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#over = true;
    this.#owner.giveBack(this.#connection);
    this.#handler.onEnd(decoded(controller.rawTrailers));
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.destroy();
    this.#handler.onError(upstreamError(error, this.#controller !== null, this.#answered));
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    // Also right while still connecting, when there is no controller yet.
    this.#connection.destroy();
  }
}

const NO_FIELDS: string[] = [];

/** Header bytes are Latin-1 (RFC 9110 section 5.5): decoded so, and encoded so again, they pass byte for byte. */
function decoded(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw) || raw.length === 0) return NO_FIELDS;
  const fields = new Array<string>(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const part = raw[i];
    fields[i] = typeof part === 'string' ? part : (part as Buffer).toString('latin1');
  }
  return fields;
}
