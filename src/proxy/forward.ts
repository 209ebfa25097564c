// The fast way to an instance: a request whose body is whole goes through undici's dispatch in one write, and the answer
// comes back as raw fields and chunks, without Request, Response, Headers or stream in between.

import type { Dispatcher } from 'undici';
import type { InstancePool, PooledClient } from './instance-pool.ts';
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream.ts';
import { upstreamError } from './upstream.ts';

/**
 * Sends a request whose body is complete; `body` null when it has none. Never throws: `onError` tells. `again`: a try
 * failed before, so that idle connections are not trusted any more.
 */
export function forward(
  pool: InstancePool,
  request: UpstreamRequest,
  { body, again }: { readonly body: Buffer | null; readonly again: boolean },
  handler: UpstreamHandler,
): UpstreamCall {
  const pooled = again ? pool.newClient() : pool.takeClient();
  const call = new DispatchCall(pool, pooled, handler);
  const options: PlainDispatch = {
    path: request.target,
    method: request.method as Dispatcher.HttpMethod,
    headers: request.fields,
    body,
    // Found out from Host otherwise, for every request, and with TLS another Host would cost the connection. The pool's
    // own connector knows the name.
    servername: pool.instance.host,
    // undici closes the connection after HEAD and after a GET with a body, unless told not to.
    reset: false,
  };
  pooled.client.dispatch(options, call);
  return call;
}

/** undici takes a server name for one request, but its types do not say so. */
interface PlainDispatch extends Dispatcher.DispatchOptions {
  readonly servername: string;
}

class DispatchCall implements Dispatcher.DispatchHandler, UpstreamCall {
  readonly #pool: InstancePool;
  readonly #pooled: PooledClient;
  readonly #handler: UpstreamHandler;
  #controller: Dispatcher.DispatchController | null = null;
  #answered = false;
  #over = false;

  constructor(pool: InstancePool, pooled: PooledClient, handler: UpstreamHandler) {
    this.#pool = pool;
    this.#pooled = pooled;
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
    this.#pool.giveBack(this.#pooled);
    this.#handler.onEnd(decoded(controller.rawTrailers));
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#pool.discard(this.#pooled);
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
    this.#pool.discard(this.#pooled);
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
