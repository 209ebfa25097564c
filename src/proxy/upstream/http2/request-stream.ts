// The half of a stream that sends: a request. A short body that is whole leaves as one string with its head; what the windows of the
// instance do not allow yet waits here.

import type { DataSender } from '../../http2/data-sender.ts';
import { frameHeader } from '../../http2/frames.ts';
import { encodeFields } from '../../http2/hpack/encoder.ts';
import { type DataLink, LAST_DATA, OutgoingData } from '../../http2/outgoing-data.ts';
import type { OutgoingBody } from '../upstream.ts';
import type { SentStream, SentStreams } from './streams.ts';

/** Bodies up to this leave as one string with their head. */
const STRING_BYTES_MAX = 4096;
const NO_TRAILERS: readonly string[] = [];

/** What a request tells the call that it is sent for. */
export interface RequestOwner extends SentStream {
  /** More of the body may be written. */
  drained(): void;
}

/** Begun on a connection when it is made; `send` follows. */
export class RequestStream implements DataLink {
  readonly id: number;
  readonly streams: SentStreams;
  readonly data: OutgoingData;
  readonly #owner: RequestOwner;
  #trailers = NO_TRAILERS;
  /** The body was ended; the rest of it may still wait. */
  #ended = false;
  /** The peer was told, or will be by what was said. */
  isWhole = false;
  /** A write returned false. */
  #full = false;
  #closed = false;

  constructor(streams: SentStreams, owner: RequestOwner) {
    this.streams = streams;
    this.#owner = owner;
    this.id = streams.begin(owner);
    this.data = new OutgoingData(this, streams.initialWindow);
  }

  get sender(): DataSender {
    return this.streams.sender;
  }

  send(block: string, body: OutgoingBody | null): void {
    const { streams, id, data, sender } = this;
    const whole = body === null || body.trailers.length > 0 ? null : body.whole;
    const bytes = whole?.length ?? 0;
    if (body !== null && (whole === null || bytes > STRING_BYTES_MAX || bytes > data.window || bytes > sender.window)) {
      sender.output.say(streams.headers(id, block, false));
      body.attach({ write: (chunk) => this.#write(chunk), end: (trailers) => this.#end(trailers) });
      return;
    }
    this.isWhole = true;
    let text = streams.headers(id, block, whole === null);
    if (whole !== null) {
      data.window -= bytes;
      sender.window -= bytes;
      text += frameHeader(bytes, LAST_DATA, id) + whole.toString('latin1');
    }
    sender.output.say(text);
  }

  say(frame: (id: number) => string): void {
    if (!this.#closed) this.sender.output.say(frame(this.id));
  }

  /** Nothing more goes out. */
  close(code: number | null, windowLeft: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.data.drop();
    this.streams.end(this.id, code, windowLeft);
  }

  moved(): void {}

  emptied(ended: boolean): void {
    if (this.#ended) this.#sayEnd(ended);
    else if (this.#full) process.nextTick(drained, this);
  }

  drained(): void {
    if (this.#closed || !this.data.isEmpty) return;
    this.#full = false;
    this.#owner.drained();
  }

  #write(chunk: Buffer): boolean {
    if (this.#closed) return true;
    if (chunk.length > 0) this.data.add(chunk);
    this.#full = !this.data.isEmpty;
    return !this.#full;
  }

  #end(trailers: readonly string[]): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    this.#trailers = trailers;
    this.data.endsWithLast = trailers.length === 0;
    if (this.data.isEmpty) this.#sayEnd(false);
  }

  /** `ended`: the peer knows. */
  #sayEnd(ended: boolean): void {
    this.isWhole = true;
    if (ended) return;
    const { output } = this.sender;
    if (this.#trailers.length === 0) output.say(frameHeader(0, LAST_DATA, this.id));
    else output.say(this.streams.headers(this.id, encodeFields(this.#trailers), true));
  }
}

function drained(stream: RequestStream): void {
  stream.drained();
}
