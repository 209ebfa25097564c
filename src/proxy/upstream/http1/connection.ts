// One connection to an instance over which whole requests go in one write. Without TLS it reads into one buffer that all of
// them share, so that waiting connections hold no memory and an answer costs no allocation but its own.
//
// A plain GET, in brackets the file to read on in:
//
//   send          `transmit` took this connection from the pool (pool.ts), the one that was used last; #write sends the head. A new
//                 one connects first
//   #onRead       bytes came: the parser (response-parser.ts) reads them, and calls the next three
//   onHead        each passes on to the handler of the call, which is the attempt [attempt]
//   onData
//   onEnd         before that, the connection goes back to its pool

import type { Socket } from 'node:net';
import { endedAbruptly } from '../../../net/abrupt-end.ts';
import { chooseReadBuffer, ownReadBuffer, sharedReadBuffer } from '../../../net/borrowed-reads.ts';
import type { ReadInto } from '../../../net/connect.ts';
import { beginRead, endRead } from '../../../net/end-of-read.ts';
import { gatherPieces } from '../../../net/piece-gatherer.ts';
import { holdWrites } from '../../held-writes.ts';
import type { ConnectionOwner, Opener, PooledConnection } from '../pooled-connection.ts';
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from '../upstream.ts';
import { upstreamError } from '../upstream.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';

/** A body of more bytes is read into a buffer of its own: to copy each piece out of the shared one leaves as much to collect. */
const LONG_BYTES = 256 * 1024;

/** Bodies up to this leave as one string with their head: a write less than a head and a buffer. */
const STRING_BYTES_MAX = 4096;
const NOTHING = Buffer.alloc(0);

/** Methods that expect a body, so that one without must say so (RFC 9110 section 8.6). */
const EXPECT_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);

/** One connection of HTTP/1.1 to an instance: one request at a time, used again while both sides keep it. */
export class Http1Connection implements PooledConnection, ResponseSink {
  idle = false;
  idleSinceMs = 0;
  destroyed = false;
  unused = true;
  readonly #open: Opener;
  readonly #secure: boolean;
  readonly #owner: ConnectionOwner;
  readonly #parser = new ResponseParser(this);
  #socket: Socket | null = null;
  #call: PlainCall | null = null;
  /** What it reads into now, and for a long body what it reads that into, piece by piece as each is written. */
  #buffer: Buffer = NOTHING;
  #own: Buffer | null = null;

  /** `secure`: `open` speaks TLS. */
  constructor({ open, secure }: { readonly open: Opener; readonly secure: boolean }, owner: ConnectionOwner) {
    this.#open = open;
    this.#secure = secure;
    this.#owner = owner;
  }

  get idleMsMax(): number {
    const seconds = this.#parser.keepAliveSeconds;
    return Number.isNaN(seconds) ? Number.POSITIVE_INFINITY : Math.max(0, seconds * 1000 - KEEP_ALIVE_MARGIN_MS);
  }

  send(request: UpstreamRequest, body: Buffer | null, handler: UpstreamHandler): UpstreamCall {
    const call = new PlainCall(this, handler);
    this.#call = call;
    this.unused = false;
    if (this.#socket !== null) this.#write(this.#socket, request, body);
    else {
      this.#connect((socket) => {
        handler.onConnected();
        this.#write(socket, request, body);
      });
    }
    return call;
  }

  /** Connects before there is anything to send. Lost without a word when that fails: `destroyed` says so. */
  warm(done: () => void): void {
    this.#connect(done, done);
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#call = null;
    this.#parser.stop();
    this.#socket?.destroy();
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  onInformation(status: number, fields: string[]): void {
    this.#call?.handler.onInformation(status, fields);
  }

  onHead(status: number, reason: string, fields: string[]): void {
    const call = this.#call;
    if (call === null) return;
    call.answered = true;
    if (this.#parser.bytesLeft > LONG_BYTES && !this.#secure) this.#takeOwnBuffer();
    call.handler.onHead(status, reason, fields);
  }

  onData(chunk: Buffer): void {
    this.#call?.handler.onData(chunk, this.lends);
  }

  get lends(): boolean {
    return this.#buffer === this.#own;
  }

  onEnd(trailers: readonly string[], reusable: boolean): void {
    const call = this.#call;
    if (call === null) return;
    this.#call = null;
    // A write may still hold it.
    this.#own = null;
    // A call that paused in the last piece of its answer has no reason left to, and the next one never did.
    if (this.#socket?.isPaused()) this.#socket.resume();
    // An answer to a request that is not out yet: where the next one begins would be unknown.
    if (reusable && this.#socket?.writableLength === 0) this.#owner.giveBack(this);
    else this.destroy();
    call.handler.onEnd(trailers);
  }

  #connect(connected: (socket: Socket) => void, failed: () => void = () => {}): void {
    this.#open(this.#secure ? null : this.#readInto(), (error, socket) => {
      if (this.destroyed) {
        socket?.destroy();
        return;
      }
      if (socket === null) {
        this.#fail(error ?? new Error('not connected'), false);
        failed();
        return;
      }
      this.#socket = socket;
      this.#owner.countConnection(1);
      socket.once('close', () => {
        this.#owner.countConnection(-1);
        this.#onClose(null);
      });
      if (this.#secure) {
        gatherPieces(socket);
        socket.on('data', (chunk: Buffer) => this.#onRead(chunk));
      }
      socket.once('end', () => this.#onEndOfStream(socket));
      socket.on('error', (failure) => this.#onClose(failure));
      connected(socket);
    });
  }

  #readInto(): ReadInto {
    this.#buffer = sharedReadBuffer();
    const callback = (length: number): boolean => {
      this.#onRead(this.#buffer.subarray(0, length));
      return true;
    };
    return { buffer: this.#buffer, callback };
  }

  #takeOwnBuffer(): void {
    const socket = this.#socket;
    if (socket === null) return;
    const next = (): Buffer => {
      if (this.#own === null) chooseReadBuffer(socket, null);
      this.#buffer = this.#own ?? sharedReadBuffer();
      return this.#buffer;
    };
    if (chooseReadBuffer(socket, next)) this.#own = ownReadBuffer();
  }

  #write(socket: Socket, request: UpstreamRequest, body: Buffer | null): void {
    this.#parser.begin(request.method === 'HEAD');
    const head = requestHead(request, body);
    holdWrites(socket);
    if (body === null) {
      socket.write(head, 'latin1');
    } else if (body.length <= STRING_BYTES_MAX) {
      socket.write(head + body.toString('latin1'), 'latin1');
    } else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
    }
  }

  #onRead(bytes: Buffer): void {
    if (this.destroyed) return;
    if (this.#parser.idle) {
      // Nothing was asked.
      this.destroy();
      this.#owner.closedIdle(this);
      return;
    }
    beginRead();
    try {
      this.#parser.feed(bytes);
    } catch (error) {
      this.#fail(error as Error, true);
    }
    endRead();
  }

  #onEndOfStream(socket: Socket): void {
    if (this.destroyed || (!endedAbruptly(socket) && this.#parser.finish())) return;
    this.#onClose(null);
  }

  #onClose(error: Error | null): void {
    if (this.destroyed) return;
    if (this.#call === null) {
      this.destroy();
      this.#owner.closedIdle(this);
    } else {
      this.#fail(error ?? closedError(), true);
    }
  }

  #fail(error: Error, sent: boolean): void {
    const call = this.#call;
    this.destroy();
    call?.handler.onError(upstreamError(error, sent, call.answered));
  }

  /** Drops the call, and what still arrives for it. */
  abandon(call: PlainCall): void {
    if (this.#call === call) this.destroy();
  }

  carries(call: PlainCall): boolean {
    return this.#call === call;
  }
}

/** Less than what the instance said it keeps an idle connection: a request must not meet its end halfway. */
const KEEP_ALIVE_MARGIN_MS = 1000;

class PlainCall implements UpstreamCall {
  readonly handler: UpstreamHandler;
  answered = false;
  readonly #connection: Http1Connection;

  constructor(connection: Http1Connection, handler: UpstreamHandler) {
    this.#connection = connection;
    this.handler = handler;
  }

  pause(): void {
    if (this.#connection.carries(this)) this.#connection.pause();
  }

  resume(): void {
    if (this.#connection.carries(this)) this.#connection.resume();
  }

  abort(): void {
    this.#connection.abandon(this);
  }
}

/**
 * The head as it goes over the wire. What it is made of came through a strict parser, of HTTP/1 or HTTP/2, or from the
 * configuration: none of it holds a control character.
 */
function requestHead({ method, target, fields }: UpstreamRequest, body: Buffer | null): string {
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  if (body !== null) head += `Content-Length: ${body.length}\r\n`;
  else if (method !== 'GET' && EXPECT_BODY.has(method)) head += 'Content-Length: 0\r\n';
  return `${head}Connection: keep-alive\r\n\r\n`;
}

function closedError(): Error {
  return Object.assign(new Error('the instance closed the connection'), { code: 'ECONNRESET' });
}
