// The client's half of a stream: a request whose body comes in DATA frames. Small ones are gathered until all that was read has been
// taken apart, so that a flood of them costs what its bytes cost. The client's window opens as the body is read.

import type { ClientRequest } from '../../exchange/client/message.ts';
import { WINDOW_BYTES } from '../../http2/frames.ts';
import { ReceiveWindow } from '../../http2/receive-window.ts';
import { KeptBytes } from '../../kept-bytes.ts';
import type { Http2RequestHead } from './request-head.ts';

/** Frames from here on are passed on as they are. */
const SMALL_BYTES = 1024;
const NO_TRAILERS: readonly string[] = [];

/** What a request needs of its stream. */
export interface RequestLink {
  /** A piece of the body came to be read. */
  moved(): void;
  /** The client may send as many bytes more. */
  credit(bytes: number): void;
  /** `flush` is to be called once what was read has been taken apart. */
  gather(request: Http2Request): void;
}

/** What a DATA frame does to its stream. */
export type DataEffect = 'taken' | 'beyond-window' | 'malformed';

export class Http2Request implements ClientRequest {
  readonly httpVersion = '2';
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  rawTrailers = NO_TRAILERS;
  /** The client said END_STREAM. */
  ended: boolean;
  readonly #link: RequestLink;
  readonly #window = new ReceiveWindow(WINDOW_BYTES);
  /** Still to come as Content-Length has it; -1 without one. */
  #bytesLeft: number;
  #held: KeptBytes | null = null;
  #paused = false;
  #onData: ((chunk: Buffer) => void) | null = null;
  #onEnd: (() => void) | null = null;

  constructor(link: RequestLink, head: Http2RequestHead, ended: boolean) {
    this.#link = link;
    this.method = head.method;
    this.url = head.path;
    this.rawHeaders = head.rawHeaders;
    this.#bytesLeft = head.contentLength;
    this.ended = ended;
  }

  on(_event: 'data', listener: (chunk: Buffer) => void): void {
    this.#onData = listener;
  }

  once(_event: 'end', listener: () => void): void {
    this.#onEnd = listener;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    process.nextTick(flush, this);
  }

  /** What the client may still send, bytes. */
  get windowLeft(): number {
    return this.ended ? 0 : Math.max(0, this.#window.left);
  }

  /** The data of a frame, which used `frameBytes` of the window (RFC 9113 section 6.9.1: padding as well). */
  take(data: Buffer, frameBytes: number, endStream: boolean): DataEffect {
    if (!this.#window.take(frameBytes)) return 'beyond-window';
    if (this.#bytesLeft >= 0) {
      this.#bytesLeft -= data.length;
      if (this.#bytesLeft < 0) return 'malformed';
    }
    if (endStream) return this.#takeLast(data);
    if (data.length < SMALL_BYTES) this.#hold(data);
    else if (this.#paused || this.#held !== null) this.#hold(ownBytes(data));
    else this.#pass(ownBytes(data));
    // Padding alone is read as it comes.
    if (!this.#paused && this.#held === null) this.#credit();
    return 'taken';
  }

  /** RFC 9113 section 8.1. False: the body is not as long as it was said to be. */
  takeTrailers(trailers: readonly string[]): boolean {
    this.rawTrailers = trailers;
    return this.#takeLast(EMPTY) === 'taken';
  }

  /** Passes on what was gathered, unless it is paused; padding that came meanwhile is read as well. */
  flush(): void {
    if (this.#paused) return;
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#pass(held.whole());
    else this.#credit();
    if (this.ended && !this.#paused) this.#end();
  }

  /** What still comes is of no interest. */
  close(): void {
    this.#onData = null;
    this.#onEnd = null;
    this.#held = null;
  }

  #takeLast(data: Buffer): DataEffect {
    // RFC 9113 section 8.1.1.
    if (this.#bytesLeft > 0) return 'malformed';
    this.ended = true;
    if (data.length > 0) this.#hold(data.length < SMALL_BYTES ? data : ownBytes(data));
    this.flush();
    return 'taken';
  }

  #hold(data: Buffer): void {
    if (data.length === 0) return;
    if (this.#held === null) {
      this.#held = new KeptBytes();
      this.#link.gather(this);
    }
    this.#held.add(data);
  }

  #pass(data: Buffer): void {
    this.#link.moved();
    this.#credit();
    this.#onData?.(data);
  }

  #credit(): void {
    if (this.ended) return;
    const bytes = this.#window.giveBack();
    if (bytes > 0) this.#link.credit(bytes);
  }

  #end(): void {
    const onEnd = this.#onEnd;
    this.#onEnd = null;
    onEnd?.();
  }
}

/** A frame that is a small part of what was read must not keep the rest. */
function ownBytes(data: Buffer): Buffer {
  return data.length * 4 < data.buffer.byteLength ? Buffer.from(data) : data;
}

const EMPTY = Buffer.alloc(0);

function flush(request: Http2Request): void {
  request.flush();
}
