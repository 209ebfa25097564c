// The streams of one connection to an instance, each an attempt (forward.ts): their frames, each handed to the stream that it is of.
// What makes no sense for a stream ends the stream; what makes none for the connection is thrown (RFC 9113 section 5.4).

import { sharedReadBuffer } from '../../../net/borrowed-reads.ts';
import { RESPONSE_HEAD_BYTES_MAX } from '../../fields/field-lines.ts';
import { DataSender } from '../../http2/data-sender.ts';
import { FieldBlock, fragmentOf, withoutPadding } from '../../http2/field-block.ts';
import type { FrameReader } from '../../http2/frame-reader.ts';
import {
  CONNECTION_WINDOW_BYTES,
  ConnectionError,
  ErrorCode,
  Flag,
  FrameType,
  headersFrames,
  rstStreamFrame,
  STREAM_ID_MAX,
  WINDOW_BYTES,
  windowUpdateFrame,
} from '../../http2/frames.ts';
import { HpackDecoder } from '../../http2/hpack/decoder.ts';
import { NO_DYNAMIC_TABLE } from '../../http2/hpack/encoder.ts';
import type { HpackField } from '../../http2/hpack/field.ts';
import type { Output } from '../../http2/output.ts';
import { ReceiveWindow } from '../../http2/receive-window.ts';
import type { PeerSettings } from '../../http2/settings.ts';

/** Streams of a peer that sets no limit: as many as are recommended (RFC 9113 section 6.5.2). */
export const STREAMS_UNLIMITED = 100;

/** A stream, as its connection sees it. */
export interface SentStream {
  /** A whole field block; null: it is larger than it may be. */
  takeFields(fields: readonly HpackField[] | null, endStream: boolean): void;
  /** The data of a frame, which used `frameBytes` of the window (RFC 9113 section 6.9.1). It is to be read during the call. */
  takeData(data: Buffer, frameBytes: number, endStream: boolean): void;
  /** The peer reset it. */
  takeReset(code: number): void;
  /** False: beyond what a window can be. */
  open(increment: number): boolean;
  /** What it does makes no sense. */
  fault(code: number, message: string): void;
  /** The connection carries it no further. `unprocessed`: its peer says that it did not look at it. */
  lose(error: Error, unprocessed: boolean): void;
  /** What was gathered while a read was taken apart is passed on. */
  flush(): void;
}

/** What streams tell their connection. */
export interface StreamsOwner {
  /** No stream can follow. */
  readonly onLast: () => void;
  /** One is over. */
  readonly onEnd: () => void;
}

export class SentStreams {
  readonly sender: DataSender;
  /** The peer's SETTINGS_INITIAL_WINDOW_SIZE. */
  initialWindow = WINDOW_BYTES;
  readonly #owner: StreamsOwner;
  readonly #open = new Map<number, SentStream>();
  readonly #decoder = new HpackDecoder();
  readonly #window = new ReceiveWindow(CONNECTION_WINDOW_BYTES);
  #block: FieldBlock | null = null;
  #blockSent = false;
  #gathering: SentStream[] = [];
  #nextId = 1;
  #streamsMax = STREAMS_UNLIMITED;
  /** What may still come on streams that are over here: as much as their windows had left. */
  #lateBytes = 0;

  constructor(output: Output, owner: StreamsOwner) {
    this.sender = new DataSender(output);
    this.#owner = owner;
  }

  get size(): number {
    return this.#open.size;
  }

  /** One was begun, no matter what became of it. */
  get any(): boolean {
    return this.#nextId > 1;
  }

  get hasRoom(): boolean {
    return this.#open.size < this.#streamsMax;
  }

  /** A field block is not whole. */
  get awaitsHead(): boolean {
    return this.#block !== null;
  }

  /** Those that are open, by their ids, also while they end. */
  all(): readonly (readonly [number, SentStream])[] {
    return [...this.#open];
  }

  /** Begins a stream. Returns its id. */
  begin(stream: SentStream): number {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#open.set(id, stream);
    if (this.#nextId > STREAM_ID_MAX) this.#owner.onLast();
    return id;
  }

  /** Fields of a stream, as they are sent; the first block of a connection says more. */
  headers(id: number, fields: string, endStream: boolean): string {
    const block = this.#blockSent ? fields : NO_DYNAMIC_TABLE + fields;
    this.#blockSent = true;
    return headersFrames(block, id, endStream);
  }

  /** The stream is over. `code`: the peer hears of it; `windowLeft`: what it may have sent before. */
  end(id: number, code: number | null, windowLeft: number): void {
    if (!this.#open.delete(id)) return;
    this.#lateBytes += windowLeft;
    if (code !== null) this.sender.output.say(rstStreamFrame(id, code));
    this.#owner.onEnd();
  }

  gather(stream: SentStream): void {
    this.#gathering.push(stream);
  }

  flush(): void {
    if (this.#gathering.length === 0) return;
    const gathering = this.#gathering;
    this.#gathering = [];
    for (const stream of gathering) stream.flush();
  }

  /** RFC 9113 sections 6.5.2 and 6.9.2. */
  agree({ window, streamsMax }: PeerSettings): void {
    if (streamsMax !== null) this.#streamsMax = streamsMax;
    if (window === null || window === this.initialWindow) return;
    const change = window - this.initialWindow;
    this.initialWindow = window;
    for (const [, stream] of this.all()) if (!stream.open(change)) throw beyondWindow();
  }

  /** One frame, of any type but SETTINGS, PING and GOAWAY. */
  take(frame: FrameReader): void {
    switch (frame.type) {
      case FrameType.data:
        this.#onData(frame);
        break;
      case FrameType.headers:
        this.#onHeaders(frame);
        break;
      case FrameType.continuation:
        this.#onContinuation(frame);
        break;
      case FrameType.rstStream:
        this.#onRstStream(frame);
        break;
      case FrameType.windowUpdate:
        this.#onWindowUpdate(frame);
        break;
      case FrameType.pushPromise:
        throw broken('PUSH_PROMISE, which was forbidden');
      default:
        // PRIORITY means nothing here; RFC 9113 section 5.5: extensions.
        break;
    }
  }

  /** RFC 9113 section 6.1. The window is opened at once: what is held up is held up by those of the streams. */
  #onData({ streamId, flags, payload }: FrameReader): void {
    this.#assertBegun(streamId, 'DATA');
    if (!this.#window.take(payload.length)) throw beyondWindow();
    const credit = this.#window.giveBack();
    if (credit > 0) this.sender.output.say(windowUpdateFrame(0, credit));
    const data = (flags & Flag.padded) === 0 ? payload : withoutPadding(payload);
    const stream = this.#open.get(streamId);
    if (stream !== undefined) stream.takeData(data, payload.length, (flags & Flag.endStream) !== 0);
    else {
      this.#lateBytes -= payload.length;
      if (this.#lateBytes < 0) throw new ConnectionError(ErrorCode.streamClosed, 'DATA of a stream that is over');
    }
  }

  /** RFC 9113 section 6.2. */
  #onHeaders({ streamId, flags, payload }: FrameReader): void {
    this.#assertBegun(streamId, 'HEADERS');
    const fragment = fragmentOf(payload, flags);
    const endStream = (flags & Flag.endStream) !== 0;
    if ((flags & Flag.endHeaders) !== 0) this.#onBlock(streamId, endStream, fragment.bytes);
    else {
      const { bytes, dependency } = fragment;
      const options = { endStream, fieldBytesMax: RESPONSE_HEAD_BYTES_MAX };
      this.#block = new FieldBlock(streamId, { bytes: ownData(bytes), dependency }, options);
    }
  }

  /** RFC 9113 section 6.10. */
  #onContinuation({ streamId, flags, payload }: FrameReader): void {
    const block = this.#block;
    if (block === null || block.streamId !== streamId) throw broken('CONTINUATION without HEADERS');
    block.continue(ownData(payload));
    if ((flags & Flag.endHeaders) === 0) return;
    this.#block = null;
    this.#onBlock(streamId, block.endStream, block.whole());
  }

  /** It is decoded in any case, since later ones refer to it. */
  #onBlock(streamId: number, endStream: boolean, block: Buffer): void {
    const fields = this.#decoder.decode(block, RESPONSE_HEAD_BYTES_MAX);
    this.#open.get(streamId)?.takeFields(this.#decoder.tooLarge ? null : fields, endStream);
  }

  /** RFC 9113 section 6.4. */
  #onRstStream({ streamId, payload }: FrameReader): void {
    if (payload.length !== 4) throw new ConnectionError(ErrorCode.frameSizeError, 'RST_STREAM of another length');
    this.#assertBegun(streamId, 'RST_STREAM');
    this.#open.get(streamId)?.takeReset(payload.readUInt32BE(0));
  }

  /** RFC 9113 section 6.9. */
  #onWindowUpdate({ streamId, payload }: FrameReader): void {
    if (payload.length !== 4) throw new ConnectionError(ErrorCode.frameSizeError, 'WINDOW_UPDATE of another length');
    const increment = payload.readUInt32BE(0) & STREAM_ID_MAX;
    if (streamId === 0) {
      if (increment === 0) throw broken('a window that grows by nothing');
      if (!this.sender.open(increment)) throw beyondWindow();
      return;
    }
    this.#assertBegun(streamId, 'WINDOW_UPDATE');
    const stream = this.#open.get(streamId);
    if (increment === 0) stream?.fault(ErrorCode.protocolError, 'a window that grows by nothing');
    else if (stream?.open(increment) === false) stream.fault(ErrorCode.flowControlError, 'a window beyond its limit');
  }

  /** RFC 9113 section 5.1, "idle". */
  #assertBegun(streamId: number, what: string): void {
    if (streamId % 2 === 0 || streamId >= this.#nextId) throw broken(`${what} of stream ${streamId}, which is idle`);
  }
}

function broken(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.protocolError, message);
}

function beyondWindow(): ConnectionError {
  return new ConnectionError(ErrorCode.flowControlError, 'beyond a window');
}

/** `data` outlives the call: a view of what is read into again, or a small part of what was read, must not be kept. */
export function ownData(data: Buffer): Buffer {
  const isShared = data.buffer === sharedReadBuffer().buffer;
  return isShared || data.length * 4 < data.buffer.byteLength ? Buffer.from(data) : data;
}
