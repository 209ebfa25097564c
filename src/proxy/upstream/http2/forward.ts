// The way to an instance that speaks HTTP/2: one stream an attempt, bodies and trailers both ways, as gRPC needs them. Small pieces
// of an answer that come in one read are passed on as one.

import { ErrorCode, WINDOW_BYTES, windowUpdateFrame } from '../../http2/frames.ts';
import type { HpackField } from '../../http2/hpack/field.ts';
import { ReceiveWindow } from '../../http2/receive-window.ts';
import { KeptBytes } from '../../kept-bytes.ts';
import {
  BORROWED_BYTES_MAX,
  type Transmission,
  type UpstreamCall,
  type UpstreamHandler,
  upstreamError,
} from '../upstream.ts';
import type { Http2Connection } from './connection.ts';
import { requestBlock } from './request-block.ts';
import { RequestStream } from './request-stream.ts';
import { readAnswerTrailers, readHttp2ResponseHead } from './response-head.ts';
import type { ConnectionReady, Http2Target } from './sessions.ts';
import { ownData, type SentStream } from './streams.ts';

/** Pieces of an answer from here on are passed on as they are. */
const SMALL_BYTES = 1024;
const NO_TRAILERS: readonly string[] = [];

/** Never throws: errors go to `onError`. */
export function forwardHttp2(target: Http2Target, transmission: Transmission, handler: UpstreamHandler): UpstreamCall {
  const call = new StreamCall(target, transmission, handler);
  call.start();
  return call;
}

class StreamCall implements UpstreamCall, SentStream {
  readonly #target: Http2Target;
  readonly #transmission: Transmission;
  readonly #handler: UpstreamHandler;
  readonly #window = new ReceiveWindow(WINDOW_BYTES);
  readonly #ready: ConnectionReady = (error, connection) => {
    if (connection === null) this.#failUnsent(error ?? new Error('no connection'));
    else this.#begin(connection);
  };
  /** It had to wait for a connection, or for a word of an idle one: any other wait, for room on what is connected, is the instance's doing. */
  #connects = false;
  #connection: Http2Connection | null = null;
  #stream: RequestStream | null = null;
  #paused = false;
  #trailers = NO_TRAILERS;
  #answered = false;
  /** What is still to come of the answer, by its own account; -1: it did not say. */
  #bytesLeft = -1;
  /** Small pieces that came in this read: the only one, or all of them. */
  #held: Buffer | null = null;
  #kept: KeptBytes | null = null;
  /** The handler hears nothing more. */
  #over = false;

  constructor(target: Http2Target, transmission: Transmission, handler: UpstreamHandler) {
    this.#target = target;
    this.#transmission = transmission;
    this.#handler = handler;
  }

  start(): void {
    const { sessions } = this.#target;
    sessions.take(this.#ready);
    this.#connects = !sessions.isFull;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#credit();
  }

  abort(late = false): void {
    if (this.#over) return;
    this.#finish();
    const { sessions } = this.#target;
    if (this.#connection === null) sessions.leave(this.#ready);
    else if (late) sessions.doubt(this.#connection);
    this.#close(ErrorCode.cancel);
  }

  takeFields(fields: readonly HpackField[] | null, endStream: boolean): void {
    if (fields === null) this.fault(ErrorCode.enhanceYourCalm, 'a head beyond its limit');
    else if (this.#answered) this.#takeTrailers(fields, endStream);
    else this.#takeHead(fields, endStream);
  }

  takeData(data: Buffer, frameBytes: number, endStream: boolean): void {
    if (!this.#window.take(frameBytes)) {
      this.fault(ErrorCode.flowControlError, 'data beyond the window');
      return;
    }
    if (!this.#answered) {
      this.fault(ErrorCode.protocolError, 'data without a head');
      return;
    }
    if (this.#bytesLeft >= 0) {
      this.#bytesLeft -= data.length;
      if (this.#bytesLeft < 0) {
        this.fault(ErrorCode.protocolError, 'more data than it said');
        return;
      }
    }
    if (data.length >= SMALL_BYTES) {
      this.flush();
      this.#pass(data);
    } else if (data.length > 0) this.#hold(data);
    if (endStream) this.#end();
    else if (!this.#paused) this.#credit();
  }

  takeReset(code: number): void {
    this.#end(code);
  }

  open(increment: number): boolean {
    return this.#stream?.data.open(increment) !== false;
  }

  /** RFC 9113 section 5.4.2. */
  fault(code: number, message: string): void {
    this.#close(code);
    this.#fail(Object.assign(new Error(`malformed answer: ${message}`), { code: 'ERR_MALFORMED_RESPONSE' }), false);
  }

  lose(error: Error, unprocessed: boolean): void {
    this.flush();
    this.#close(null);
    this.#fail(error, unprocessed);
  }

  flush(): void {
    const held = this.#kept?.whole() ?? this.#held;
    this.#held = null;
    this.#kept = null;
    if (held !== null) this.#pass(held);
  }

  /** The socket takes more of the body. */
  drained(): void {
    if (!this.#over) this.#transmission.body?.drained();
  }

  #begin(connection: Http2Connection): void {
    if (this.#over) return;
    if (this.#connects) this.#handler.onConnected();
    const { sessions, scheme } = this.#target;
    sessions.began(connection);
    this.#connection = connection;
    this.#stream = new RequestStream(connection.streams, this);
    this.#stream.send(requestBlock(this.#transmission, scheme), this.#transmission.body);
  }

  /** Fails a call that has no stream yet. */
  #failUnsent(error: Error): void {
    if (this.#over) return;
    this.#finish();
    this.#handler.onError(upstreamError(error, false, false));
  }

  #takeHead(fields: readonly HpackField[], endStream: boolean): void {
    const head = readHttp2ResponseHead(fields);
    if (head === null || (endStream && head.status < 200)) {
      this.fault(ErrorCode.protocolError, 'its head');
      return;
    }
    const { status } = head;
    if (status < 200) {
      this.#handler.onInformation(status, head.fields);
      return;
    }
    const isBodiless = this.#transmission.request.method === 'HEAD' || status === 204 || status === 304;
    this.#bytesLeft = isBodiless ? 0 : head.contentLength;
    if (endStream && this.#bytesLeft > 0) {
      this.fault(ErrorCode.protocolError, 'a length without a body');
      return;
    }
    this.#answered = true;
    this.#target.sessions.answered();
    this.#handler.onHead(status, '', head.fields);
    if (endStream) this.#end();
  }

  #takeTrailers(fields: readonly HpackField[], endStream: boolean): void {
    const trailers = endStream ? readAnswerTrailers(fields) : null;
    if (trailers === null) {
      this.fault(ErrorCode.protocolError, 'its trailers');
      return;
    }
    this.#trailers = trailers;
    this.#end();
  }

  #hold(data: Buffer): void {
    if (this.#held === null) {
      this.#held = data;
      this.#stream?.streams.gather(this);
      return;
    }
    if (this.#kept === null) {
      this.#kept = new KeptBytes();
      this.#kept.add(this.#held);
    }
    this.#kept.add(data);
  }

  #pass(data: Buffer): void {
    if (!this.#over) this.#handler.onData(data.length > BORROWED_BYTES_MAX ? ownData(data) : data);
  }

  #credit(): void {
    const bytes = this.#window.giveBack();
    if (bytes > 0) this.#stream?.say((id) => windowUpdateFrame(id, bytes));
  }

  /** The peer says no more on it. `code`: of its reset; null: it ended the stream. */
  #end(code: number | null = null): void {
    this.flush();
    const stream = this.#stream;
    // An answer before the whole request: the rest of the body is not wanted (RFC 9113 section 8.1).
    this.#close(code === null && stream?.isWhole === false ? ErrorCode.noError : null);
    if (this.#over) return;
    const isWhole =
      code === null ? this.#bytesLeft <= 0 : code === ErrorCode.noError && this.#answered && this.#bytesLeft === 0;
    if (!isWhole) {
      const how = code === null ? 'ended its answer before its length' : `reset the stream with code ${code}`;
      this.#fail(new Error(`the instance ${how}`), code === ErrorCode.refusedStream);
      return;
    }
    this.#finish();
    this.#handler.onEnd(this.#trailers);
  }

  /** RFC 9113 section 8.7: what is `unprocessed` was not looked at. */
  #fail(error: Error, unprocessed: boolean): void {
    if (this.#over) return;
    this.#finish();
    if (this.#answered || !unprocessed) {
      this.#handler.onError(upstreamError(error, true, this.#answered));
      return;
    }
    const progress = this.#target.sessions.refused() ? 'not-sent' : 'unprocessed';
    this.#handler.onError({ code: 'upstream-reset', progress, cause: error });
  }

  #close(code: number | null): void {
    this.#stream?.close(code, code === null ? 0 : Math.max(0, this.#window.left));
  }

  #finish(): void {
    this.#over = true;
    this.#transmission.body?.detach();
  }
}
