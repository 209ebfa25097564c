// The frames of one client, each handed to the stream that it is of, and what RFC 9113 says of frames out of place. An error of a
// stream resets it (section 5.4.2); one of the connection is thrown (section 5.4.1).
//
// Long because: one state machine, and what each frame does in each of its states.

import type { ProxyConfig } from '../../../config/config.ts';
import type { Peer } from '../../fields/forwarded.ts';
import { DataSender } from '../../http2/data-sender.ts';
import { dependencyOf, FieldBlock, fragmentOf, withoutPadding } from '../../http2/field-block.ts';
import type { FrameReader } from '../../http2/frame-reader.ts';
import {
  CONNECTION_WINDOW_BYTES,
  ConnectionError,
  ErrorCode,
  Flag,
  FrameType,
  rstStreamFrame,
  SETTINGS_ACK,
  WINDOW_BYTES,
  windowUpdateFrame,
} from '../../http2/frames.ts';
import { HpackDecoder } from '../../http2/hpack/decoder.ts';
import { NO_DYNAMIC_TABLE } from '../../http2/hpack/encoder.ts';
import type { Output } from '../../http2/output.ts';
import { ReceiveWindow } from '../../http2/receive-window.ts';
import { readSettings } from '../../http2/settings.ts';
import type { ServiceRuntime } from '../../service.ts';
import type { Dispatch } from '../dispatch.ts';
import { ClosedStreams } from './closed-streams.ts';
import { RapidReset } from './rapid-reset.ts';
import type { Http2Request } from './request.ts';
import { readHttp2RequestHead, readTrailers } from './request-head.ts';
import { STREAMS_MAX } from './settings.ts';
import { Http2Stream, type StreamOwner } from './stream.ts';

export interface StreamsOptions {
  /** The one in force. */
  readonly config: () => ProxyConfig;
  readonly dispatch: Dispatch;
  readonly peer: Peer;
  readonly service: () => ServiceRuntime | null;
  readonly output: Output;
  /** A stream is open, the first or a further one. */
  readonly onOpen: () => void;
  /** Another is over. */
  readonly onClose: () => void;
}

export class Http2Streams implements StreamOwner {
  readonly peer: Peer;
  readonly service: () => ServiceRuntime | null;
  readonly sender: DataSender;
  readonly #options: StreamsOptions;
  readonly #open = new Map<number, Http2Stream>();
  readonly #closed = new ClosedStreams();
  readonly #decoder = new HpackDecoder();
  readonly #resets = new RapidReset();
  #block: FieldBlock | null = null;
  #gathering: Http2Request[] = [];
  /** The client's SETTINGS_INITIAL_WINDOW_SIZE. */
  #initialWindow = WINDOW_BYTES;
  readonly #window = new ReceiveWindow(CONNECTION_WINDOW_BYTES);
  /** Streams that began while such were refused. */
  #refused = 0;
  #blockSent = false;
  /** The highest that the client has begun. */
  lastId = 0;
  /** Streams that begin now are not looked at: the client knows. */
  refusing = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.service = options.service;
    this.sender = new DataSender(options.output);
  }

  get size(): number {
    return this.#open.size;
  }

  /** A field block is not whole. */
  get awaitsHead(): boolean {
    return this.#block !== null;
  }

  /** Those that are open, also while they end. */
  all(): readonly Http2Stream[] {
    return [...this.#open.values()];
  }

  /** One frame, of any type but PING and GOAWAY. */
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
      case FrameType.priority:
        this.#onPriority(frame);
        break;
      case FrameType.rstStream:
        this.#onRstStream(frame);
        break;
      case FrameType.settings:
        this.#onSettings(frame);
        break;
      case FrameType.windowUpdate:
        this.#onWindowUpdate(frame);
        break;
      case FrameType.pushPromise:
        throw broken('PUSH_PROMISE of a client');
      default:
        // RFC 9113 section 5.5: extensions.
        break;
    }
  }

  /** What was gathered while a read was taken apart is passed on. */
  flush(): void {
    if (this.#gathering.length === 0) return;
    const gathering = this.#gathering;
    this.#gathering = [];
    for (const request of gathering) request.flush();
  }

  gather(request: Http2Request): void {
    this.#gathering.push(request);
  }

  blockOf(fields: string): string {
    if (this.#blockSent) return fields;
    this.#blockSent = true;
    return NO_DYNAMIC_TABLE + fields;
  }

  onStreamClose({ id, request }: Http2Stream, resetHere: boolean): void {
    if (resetHere) this.#closed.expect(request.windowLeft);
    this.#open.delete(id);
    // What comes behind END_STREAM crossed with nothing (RFC 9113 section 5.1, "half-closed (remote)").
    this.#closed.add(id, resetHere && !request.ended);
    this.#options.onClose();
  }

  /** RFC 9113 section 6.1. */
  #onData({ streamId, flags, payload }: FrameReader): void {
    if (streamId === 0) throw broken('DATA of no stream');
    this.#useWindow(payload.length);
    const stream = this.#open.get(streamId);
    const data = (flags & Flag.padded) === 0 ? payload : withoutPadding(payload);
    if (stream === undefined) {
      this.#onLate(streamId, payload.length);
      return;
    }
    if (stream.request.ended) {
      this.#fault(stream, ErrorCode.streamClosed);
      return;
    }
    const effect = stream.request.take(data, payload.length, (flags & Flag.endStream) !== 0);
    if (effect === 'beyond-window') this.#fault(stream, ErrorCode.flowControlError);
    else if (effect === 'malformed') this.#fault(stream, ErrorCode.protocolError);
  }

  /** RFC 9113 section 5.2: given back at once, since what is held up is held up by the windows of the streams. */
  #useWindow(bytes: number): void {
    if (!this.#window.take(bytes)) throw new ConnectionError(ErrorCode.flowControlError, 'DATA beyond the window');
    const credit = this.#window.giveBack();
    if (credit > 0) this.sender.output.say(windowUpdateFrame(0, credit));
  }

  /** DATA of a stream that is not open. An upload that is not wanted ends by its window, which opens no more. */
  #onLate(streamId: number, bytes: number): void {
    this.#assertBegun(streamId, 'DATA');
    if (!this.refusing && !this.#closed.wasReset(streamId)) {
      this.sender.output.say(rstStreamFrame(streamId, ErrorCode.streamClosed));
      return;
    }
    if (!this.#closed.take(bytes))
      throw new ConnectionError(ErrorCode.flowControlError, 'DATA beyond the window of a stream');
  }

  /** RFC 9113 section 6.2. */
  #onHeaders({ streamId, flags, payload }: FrameReader): void {
    // RFC 9113 section 5.1.1.
    if (streamId % 2 === 0) throw broken(`HEADERS of stream ${streamId}`);
    const fragment = fragmentOf(payload, flags);
    const endStream = (flags & Flag.endStream) !== 0;
    if ((flags & Flag.endHeaders) === 0) {
      this.#block = new FieldBlock(streamId, fragment, { endStream, fieldBytesMax: this.#headerBytesMax });
      return;
    }
    this.#onBlock({ streamId, endStream, dependency: fragment.dependency }, fragment.bytes);
  }

  /** RFC 9113 section 6.10. */
  #onContinuation({ streamId, flags, payload }: FrameReader): void {
    const block = this.#block;
    if (block === null || block.streamId !== streamId) throw broken('CONTINUATION without HEADERS');
    block.continue(payload);
    if ((flags & Flag.endHeaders) === 0) return;
    this.#block = null;
    this.#onBlock(block, block.whole());
  }

  /** A whole field block: a request, or the trailers of one. It is decoded in any case, since later ones refer to it. */
  #onBlock(head: { streamId: number; endStream: boolean; dependency: number }, block: Buffer): void {
    const { streamId, endStream } = head;
    const fields = this.#decoder.decode(block, this.#headerBytesMax);
    const { tooLarge } = this.#decoder;
    const stream = this.#open.get(streamId);
    if (stream !== undefined) {
      if (stream.request.ended) this.#fault(stream, ErrorCode.streamClosed);
      else if (tooLarge) this.#fault(stream, ErrorCode.enhanceYourCalm);
      else {
        const trailers = endStream && head.dependency !== streamId ? readTrailers(fields) : null;
        if (trailers === null || !stream.request.takeTrailers(trailers)) this.#fault(stream, ErrorCode.protocolError);
      }
      return;
    }
    if (streamId <= this.lastId) {
      if (this.#closed.wasReset(streamId)) return;
      if (this.#closed.has(streamId)) throw new ConnectionError(ErrorCode.streamClosed, 'HEADERS of a closed stream');
      throw broken(`HEADERS of stream ${streamId} behind ${this.lastId}`);
    }
    if (this.refusing) {
      this.#onRefused();
      return;
    }
    this.lastId = streamId;
    const request = tooLarge || head.dependency === streamId ? null : readHttp2RequestHead(fields, endStream);
    if (request === null) this.#refuse(streamId, tooLarge ? ErrorCode.enhanceYourCalm : ErrorCode.protocolError);
    // RFC 9113 section 5.1.2.
    else if (this.#open.size >= STREAMS_MAX) this.#refuse(streamId, ErrorCode.refusedStream);
    else
      this.#begin(
        new Http2Stream(this, {
          id: streamId,
          head: request,
          ended: endStream,
          window: this.#initialWindow,
          timeout: this.#options.config().bodyIdleTimeoutMs,
        }),
      );
  }

  /** RFC 9113 section 6.8. What is on its way while the client hears of it is no more than could be open. */
  #onRefused(): void {
    if (++this.#refused > STREAMS_MAX)
      throw new ConnectionError(ErrorCode.enhanceYourCalm, 'streams without end behind GOAWAY');
    this.#closed.expect(WINDOW_BYTES);
  }

  #begin(stream: Http2Stream): void {
    this.#open.set(stream.id, stream);
    this.#options.onOpen();
    const { connection, request, response } = stream;
    this.#options.dispatch({ connection, request, response, upgrade: null });
  }

  #refuse(streamId: number, code: number): void {
    this.sender.output.say(rstStreamFrame(streamId, code));
    this.#closed.add(streamId, true);
    this.#closed.expect(WINDOW_BYTES);
  }

  /** RFC 9113 section 6.3: deprecated, and of no meaning here, but it must be well-formed. */
  #onPriority({ streamId, payload }: FrameReader): void {
    if (streamId === 0) throw broken('PRIORITY of no stream');
    if (payload.length !== 5) this.#resetAny(streamId, ErrorCode.frameSizeError);
    else if (dependencyOf(payload, 0) === streamId) this.#resetAny(streamId, ErrorCode.protocolError);
  }

  /** RFC 9113 section 6.4. */
  #onRstStream({ streamId, payload }: FrameReader): void {
    if (payload.length !== 4) throw new ConnectionError(ErrorCode.frameSizeError, 'RST_STREAM of another length');
    this.#assertBegun(streamId, 'RST_STREAM');
    const stream = this.#open.get(streamId);
    if (stream === undefined) return;
    this.#countReset();
    stream.leave();
  }

  /** RFC 9113 sections 6.5 and 6.9.2. */
  #onSettings({ streamId, flags, payload }: FrameReader): void {
    if (streamId !== 0) throw broken('SETTINGS of a stream');
    if ((flags & Flag.ack) !== 0) {
      if (payload.length > 0) throw new ConnectionError(ErrorCode.frameSizeError, 'an acknowledgement with settings');
      return;
    }
    const { window } = readSettings(payload, 1);
    this.sender.output.say(SETTINGS_ACK);
    if (window === null || window === this.#initialWindow) return;
    const change = window - this.#initialWindow;
    this.#initialWindow = window;
    for (const { response } of this.all()) {
      if (!response.open(change)) throw new ConnectionError(ErrorCode.flowControlError, 'a window beyond its limit');
    }
  }

  /** RFC 9113 section 6.9. */
  #onWindowUpdate({ streamId, payload }: FrameReader): void {
    if (payload.length !== 4) throw new ConnectionError(ErrorCode.frameSizeError, 'WINDOW_UPDATE of another length');
    const increment = payload.readUInt32BE(0) & 0x7fff_ffff;
    if (streamId === 0) {
      if (increment === 0) throw broken('a window that grows by nothing');
      if (!this.sender.open(increment))
        throw new ConnectionError(ErrorCode.flowControlError, 'a window beyond its limit');
      return;
    }
    this.#assertBegun(streamId, 'WINDOW_UPDATE');
    const stream = this.#open.get(streamId);
    if (stream === undefined) return;
    if (increment === 0) this.#fault(stream, ErrorCode.protocolError);
    else if (!stream.response.open(increment)) this.#fault(stream, ErrorCode.flowControlError);
  }

  /** RFC 9113 section 5.1, "idle". */
  #assertBegun(streamId: number, what: string): void {
    if (streamId === 0 || (streamId > this.lastId && !this.refusing))
      throw broken(`${what} of stream ${streamId}, which is idle`);
  }

  /** An error of a stream, which its client could make as often as it resets one. */
  #fault(stream: Http2Stream, code: number): void {
    this.#countReset();
    stream.reset(code);
  }

  #countReset(): void {
    if (!this.#resets.count(performance.now())) return;
    throw new ConnectionError(ErrorCode.enhanceYourCalm, 'too many streams begun and reset');
  }

  #resetAny(streamId: number, code: number): void {
    const stream = this.#open.get(streamId);
    if (stream !== undefined) {
      this.#fault(stream, code);
      return;
    }
    // RFC 9113 section 6.4: an idle stream is not reset.
    if (streamId > this.lastId)
      throw new ConnectionError(code, `a malformed PRIORITY of stream ${streamId}, which is idle`);
    this.#countReset();
    this.sender.output.say(rstStreamFrame(streamId, code));
  }

  get #headerBytesMax(): number {
    return this.#options.config().headerBytesMax;
  }
}

function broken(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.protocolError, message);
}
