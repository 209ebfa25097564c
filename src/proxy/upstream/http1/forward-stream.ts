// The way to an instance for what is not one write and an answer: streamed bodies with trailers, Expect, OPTIONS *, upgrades.
// One node:http request over the pool's agent; back-pressure both ways, and nothing of the body is let go of before there is
// a connection to write it to.

import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { endedAbruptly } from '../../../net/abrupt-end.ts';
import { gatherPieces } from '../../../net/piece-gatherer.ts';
import { RESPONSE_HEAD_BYTES_MAX } from '../../fields/field-lines.ts';
import type { InstancePool } from '../pool.ts';
import type { OutgoingBody, StreamFraming, Transmission, UpstreamCall, UpstreamHandler } from '../upstream.ts';
import { upstreamError } from '../upstream.ts';
import { MalformedResponseError } from './framing.ts';
import { hearLastWords } from './last-words.ts';

const NOTHING = Buffer.alloc(0);

/** Never throws: errors go to `onError`. */
export function forwardStream(
  pool: InstancePool,
  { request, framing, body }: Transmission,
  handler: UpstreamHandler,
): UpstreamCall {
  const outgoing = httpRequest({
    agent: pool.agent,
    host: pool.instance.host,
    port: pool.instance.port,
    method: request.method,
    path: request.target,
    setHost: false,
    maxHeaderSize: RESPONSE_HEAD_BYTES_MAX,
    headers: framed(request.fields, framing, body !== null) as unknown as Record<string, string>,
  });
  return new StreamCall(pool, { outgoing, body, upgrades: framing.upgrade !== null }, handler);
}

interface StreamRequest {
  readonly outgoing: ClientRequest;
  readonly body: OutgoingBody | null;
  /** It asks for another protocol. */
  readonly upgrades: boolean;
}

class StreamCall implements UpstreamCall {
  readonly #pool: InstancePool;
  readonly #outgoing: ClientRequest;
  readonly #body: OutgoingBody | null;
  readonly #handler: UpstreamHandler;
  #incoming: IncomingMessage | null = null;
  #sent = false;
  #over = false;

  constructor(pool: InstancePool, { outgoing, body, upgrades }: StreamRequest, handler: UpstreamHandler) {
    this.#pool = pool;
    this.#outgoing = outgoing;
    this.#body = body;
    this.#handler = handler;
    outgoing.on('error', (error) => this.#onError(error));
    outgoing.on('socket', () => this.#onSocket());
    outgoing.on('information', (info) => this.#over || handler.onInformation(info.statusCode, info.rawHeaders));
    outgoing.on('drain', () => body?.drained());
    outgoing.on('upgrade', (incoming, socket, first) => {
      if (upgrades) this.#onUpgrade(incoming, socket as Socket, first);
      else this.#onUnasked(socket as Socket);
    });
    outgoing.on('response', (incoming) => this.#onResponse(incoming));
  }

  pause(): void {
    this.#incoming?.pause();
  }

  resume(): void {
    this.#incoming?.resume();
  }

  abort(): void {
    if (this.#over) return;
    this.#end();
    this.#outgoing.destroy();
  }

  /** The agent hands out connected sockets only. */
  #onSocket(): void {
    if (this.#over) return;
    this.#sent = true;
    if (!this.#outgoing.reusedSocket) this.#handler.onConnected();
    if (this.#body === null) {
      this.#outgoing.end();
      return;
    }
    const { socket } = this.#outgoing;
    if (socket !== null) hearLastWords(socket);
    // Not by `flushHeaders`, which writes fields as UTF-8: they are bytes, a character each.
    this.#outgoing.write(NOTHING);
    this.#body.attach({
      write: (chunk) => this.#outgoing.write(chunk),
      end: (trailers) => {
        if (trailers.length > 0) this.#outgoing.addTrailers(pairs(trailers));
        this.#outgoing.end();
      },
    });
  }

  #onResponse(incoming: IncomingMessage): void {
    if (this.#over) return;
    this.#incoming = incoming;
    gatherPieces(incoming);
    incoming.on('error', (error) => this.#onError(error));
    incoming.on('data', (chunk: Buffer) => this.#over || this.#handler.onData(chunk));
    incoming.on('end', () => this.#onEnd(incoming));
    this.#handler.onHead(incoming.statusCode ?? 0, incoming.statusMessage ?? '', incoming.rawHeaders);
  }

  #onUpgrade(incoming: IncomingMessage, socket: Socket, first: Buffer): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    this.#end();
    this.#pool.slots.holdUpgraded(socket);
    this.#handler.onUpgrade(incoming.rawHeaders, socket, first);
  }

  /** node:http lets go of the socket behind any 101. */
  #onUnasked(socket: Socket): void {
    socket.destroy();
    this.#onError(new MalformedResponseError('a switch of protocols that was not asked for'));
  }

  #onEnd(incoming: IncomingMessage): void {
    if (this.#over) return;
    if (endsWithConnection(incoming, this.#outgoing.method) && endedAbruptly(incoming.socket)) {
      this.#onCutOff();
      return;
    }
    const unfinished = this.#body !== null && !this.#body.ended;
    this.#end();
    // An answer before the whole request: the rest of the body is not wanted, so the connection is of no more use.
    if (unfinished) this.#outgoing.destroy();
    this.#handler.onEnd(incoming.rawTrailers);
  }

  #onCutOff(): void {
    this.#end();
    this.#handler.onError(upstreamError(new Error('the connection ended without a goodbye of TLS'), true, true));
  }

  #onError(error: Error): void {
    // An answer that is whole is passed on, even when the request behind it is not.
    if (this.#over || this.#incoming?.complete === true) return;
    this.#end();
    this.#outgoing.destroy();
    this.#handler.onError(upstreamError(error, this.#sent, this.#incoming !== null));
  }

  #end(): void {
    this.#over = true;
    this.#body?.detach();
  }
}

/** Whether neither a length nor chunks say where the body of an answer ends (RFC 9112 section 6.3). */
function endsWithConnection({ statusCode, headers }: IncomingMessage, method: string): boolean {
  if (method === 'HEAD' || statusCode === 204 || statusCode === 304) return false;
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

/** The client's own framing, said again: a length stays a length, chunks stay chunks. */
function framed(fields: readonly string[], framing: StreamFraming, hasBody: boolean): string[] {
  const all = [...fields];
  if (framing.contentLength !== null) all.push('Content-Length', String(framing.contentLength));
  else if (hasBody) all.push('Transfer-Encoding', 'chunked');
  if (framing.trailer !== null && framing.contentLength === null && hasBody) all.push('Trailer', framing.trailer);
  if (framing.upgrade !== null) all.push('Connection', 'Upgrade', 'Upgrade', framing.upgrade);
  if (framing.expect !== null) all.push('Expect', framing.expect);
  return all;
}

function pairs(fields: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) list.push([fields[i] ?? '', fields[i + 1] ?? '']);
  return list;
}
