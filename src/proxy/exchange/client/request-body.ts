// A request's body on its way to an instance. Up to a bound it is collected before anything is sent: such a body goes out in
// one write, can be replayed on a retry, and its client's slowness never reaches an instance. What is larger is streamed
// with back-pressure; until its first bytes are let go of, even that can be replayed.

import { ProxyError } from '../../../errors.ts';
import { inTurn } from '../../../net/loop-share.ts';
import { type FieldTable, trailersOnly } from '../../fields/fields.ts';
import { KeptBytes } from '../../kept-bytes.ts';
import type { BodySink, OutgoingBody } from '../../upstream/upstream.ts';
import type { Stopwatch } from '../time/stopwatch.ts';
import type { ClientRequest } from './message.ts';

export interface RequestBodyOptions {
  /** Collected up to here. */
  readonly collectBytesMax: number;
  /** 0: no limit. */
  readonly bytesMax: number;
  readonly stopwatch: Stopwatch;
  readonly nowMs: () => number;
  readonly fields: FieldTable;
}

/** Hears when a body may be sent, or cannot be. */
export interface BodyListener {
  /** The body is whole, or is to be streamed from here on. Once. */
  onBodyReady(): void;
  /** Too large. The body is not read any further. */
  onBodyFailed(error: ProxyError): void;
}

/** What all bodies of this event loop that are collected may take; past it they are streamed at once. */
const COLLECTED_BYTES_MAX = 64 * 1024 * 1024;
let collectedBytes = 0;

/**
 * A body of unknown length is waited for this long before it is streamed: nearly all small ones are whole by then, and a
 * client that talks both ways at once is not held up for long.
 */
const CHUNKED_HOLD_MS = 20;
/** What it is taken to cost to begin to stream, with a new connection to the instance: hundreds may be due at the same moment. */
const STREAM_BEGIN_MS = 0.25;

/** The body of one request: collected, or streamed where it is large. */
export class RequestBody implements OutgoingBody {
  readonly #request: ClientRequest;
  readonly #listener: BodyListener;
  readonly #options: RequestBodyOptions;
  #holdTimer: NodeJS.Timeout | null = null;
  readonly #kept = new KeptBytes();
  #bytes = 0;
  #ended = false;
  #ready = false;
  #over = false;
  /** Part of it was dropped: it cannot be sent again. */
  #released = false;
  #sink: BodySink | null = null;
  #waiting = false;

  constructor(request: ClientRequest, listener: BodyListener, options: RequestBodyOptions) {
    this.#request = request;
    this.#listener = listener;
    this.#options = options;
  }

  /**
   * Begins to read. `length` null: unknown, the body is chunked. `atOnce`: the client waits for an interim answer before
   * it sends the body, so nothing can be collected.
   */
  collect(length: number | null, atOnce: boolean): void {
    const { bytesMax } = this.#options;
    if (bytesMax > 0 && length !== null && length > bytesMax) {
      this.#fail(`a body of ${length} bytes is over the limit of ${bytesMax}`);
      return;
    }
    this.#request.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#request.once('end', () => this.#onEnd());
    if (atOnce) this.becomeReady();
    else if (length === null) this.#holdTimer = setTimeout(becomeReadyInTurn, CHUNKED_HOLD_MS, this);
  }

  /** The whole body, null while it is not all here. */
  get whole(): Buffer | null {
    if (!this.#ended || this.#released) return null;
    return this.#kept.whole();
  }

  /** Bytes received so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get trailers(): readonly string[] {
    return trailersOnly(this.#request.rawTrailers, this.#options.fields);
  }

  get replayable(): boolean {
    return !this.#released;
  }

  /** It is the client's turn: bytes are missing and we read. */
  get waitsForClient(): boolean {
    return !this.#ended && !this.#over && (this.#waiting || !this.#ready);
  }

  /** Streams to `sink` from the first byte on. */
  attach(sink: BodySink): void {
    this.#sink = sink;
    let writable = true;
    for (const chunk of this.#kept.pieces()) writable = sink.write(chunk);
    if (this.#ended) sink.end(this.trailers);
    else if (writable) this.drained();
  }

  /** The sink takes more. */
  drained(): void {
    if (this.#over || this.#ended || this.#sink === null) return;
    this.#wait(true);
    this.#request.resume();
  }

  /** The attempt that the body was streamed to is over; another may attach while it is `replayable`. */
  detach(): void {
    this.#sink = null;
    if (!this.#ended) this.#pause();
  }

  /** The rest is not wanted: it is read and dropped, so that the client gets to read its answer. */
  discard(): void {
    this.#finish();
    this.forget();
    if (!this.#ended) this.#request.resume();
  }

  /** No attempt will want it again. */
  forget(): void {
    collectedBytes -= this.#kept.length;
    this.#kept.clear();
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return;
    this.#bytes += chunk.length;
    const { bytesMax, collectBytesMax } = this.#options;
    if (bytesMax > 0 && this.#bytes > bytesMax) {
      this.#fail(`the body is over the limit of ${bytesMax} bytes`);
      return;
    }
    this.#keep(chunk);
    if (this.#sink !== null) {
      if (!this.#sink.write(chunk)) this.#pause();
    } else if (this.#kept.length > collectBytesMax || this.#ready || collectedBytes > COLLECTED_BYTES_MAX) {
      this.#pause();
      this.becomeReady();
    }
  }

  /** Bodies past the bound are let go of once they have a sink. */
  #keep(chunk: Buffer): void {
    if (this.#released) return;
    const full =
      this.#kept.length + chunk.length > this.#options.collectBytesMax || collectedBytes > COLLECTED_BYTES_MAX;
    if (this.#sink !== null && full) {
      this.#released = true;
      this.forget();
      return;
    }
    this.#kept.add(chunk);
    collectedBytes += chunk.length;
  }

  #onEnd(): void {
    if (this.#over) return;
    this.#ended = true;
    this.#wait(false);
    this.becomeReady();
    this.#sink?.end(this.trailers);
  }

  /** What comes from here on is streamed, where it is not whole. */
  becomeReady(): void {
    if (this.#ready || this.#over) return;
    this.#ready = true;
    if (this.#holdTimer !== null) clearTimeout(this.#holdTimer);
    if (!this.#ended) this.#pause();
    this.#listener.onBodyReady();
  }

  #pause(): void {
    this.#request.pause();
    this.#wait(false);
  }

  #fail(message: string): void {
    this.#finish();
    this.#request.pause();
    this.#listener.onBodyFailed(new ProxyError('body-too-large', message, { source: 'downstream' }));
  }

  #finish(): void {
    this.#over = true;
    this.#sink = null;
    if (this.#holdTimer !== null) clearTimeout(this.#holdTimer);
    this.#wait(false);
  }

  /** Keeps the stopwatch informed whether the exchange waits for its client. */
  #wait(waiting: boolean): void {
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    if (waiting) this.#options.stopwatch.waitForClient(this.#options.nowMs());
    else this.#options.stopwatch.clientReady(this.#options.nowMs());
  }
}

function becomeReadyInTurn(body: RequestBody): void {
  inTurn(STREAM_BEGIN_MS, () => body.becomeReady());
}
