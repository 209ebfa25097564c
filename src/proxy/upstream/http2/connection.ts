// A connection to an instance that speaks HTTP/2: what its frames ask of it, and when it ends. Each of its streams
// (streams.ts) is an attempt (forward.ts). Over TCP it reads into the buffer that all connections share.

import type { Socket } from 'node:net';
import { inTurn } from '../../../net/loop-share.ts';
import { RESPONSE_HEAD_BYTES_MAX } from '../../fields/field-lines.ts';
import { FrameIntake, type FrameSink } from '../../http2/frame-intake.ts';
import type { FrameReader } from '../../http2/frame-reader.ts';
import {
  CONNECTION_WINDOW_BYTES,
  ConnectionError,
  ErrorCode,
  Flag,
  FrameType,
  goawayFrame,
  pingFrame,
  SETTINGS_ACK,
  Setting,
  STREAM_ID_MAX,
  settingsFrame,
  WINDOW_BYTES,
  windowUpdateFrame,
} from '../../http2/frames.ts';
import { Output } from '../../http2/output.ts';
import { readSettings } from '../../http2/settings.ts';
import { SentStreams } from './streams.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const OWN_SETTINGS = settingsFrame([
  [Setting.enablePush, 0],
  [Setting.maxHeaderListSize, RESPONSE_HEAD_BYTES_MAX],
]);
/** Answers to pings and settings that a peer may leave unread; beyond it, nothing more of it is read. */
const UNREAD_BYTES_MAX = 256 * 1024;
/** What the end of an attempt is taken to cost, ms: hundreds may be lost at the same moment. */
const STREAM_END_MS = 0.1;
/** A peer that takes nothing of what is sent for this long does not hear the end of its connection. */
const LAST_WORDS_MS_MAX = 2000;
const PING = 'qedge: ?';

/** What a connection tells those who put requests on it. */
export interface ConnectionOwner {
  /** The peer has said what it takes; `streamsMax` null: it set no limit. */
  onSettings(connection: Http2Connection, streamsMax: number | null): void;
  /** It begins no more streams. */
  onLeaving(connection: Http2Connection): void;
  onStreamClose(connection: Http2Connection): void;
  onClose(connection: Http2Connection, failure: Error | null): void;
}

/** One connection, and what has to be known of it to put another request on it. */
export class Http2Connection implements FrameSink {
  readonly socket: Socket;
  readonly streams: SentStreams;
  /** Its peer has sent SETTINGS. */
  ready = false;
  /** A ping is under way. */
  pinged = false;
  /** It has to answer a ping before it carries another request. */
  doubted = false;
  /** Bytes that had come when they were last looked at, and when more of them were seen last. */
  heardBytes = 0;
  heardMs = 0;
  /** When it last began to have streams. */
  busySinceMs = 0;
  /** It begins no more streams. */
  leaving = false;
  readonly #owner: ConnectionOwner;
  readonly #output: Output;
  readonly #intake: FrameIntake;
  #onPong: ((error: Error | null) => void) | null = null;
  #failure: Error | null = null;
  /** Nothing that comes is of interest any more. */
  #over = false;

  /** Takes the socket. `borrows`: what it reads is in the shared buffer and comes by `read`; else it is a stream. */
  constructor(socket: Socket, owner: ConnectionOwner, borrows: boolean) {
    this.socket = socket;
    this.#owner = owner;
    this.#output = new Output(socket);
    this.#intake = new FrameIntake(socket, this, { borrows, preface: null });
    this.streams = new SentStreams(this.#output, {
      onLast: () => this.#leave(),
      onEnd: () => owner.onStreamClose(this),
    });
    this.#output.say(PREFACE + OWN_SETTINGS + windowUpdateFrame(0, CONNECTION_WINDOW_BYTES - WINDOW_BYTES));
    if (!borrows) socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('end', () => socket.destroy());
    socket.on('drain', () => this.#onDrain());
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    socket.on('close', () => this.#onClose());
  }

  /** It may carry another stream. */
  get hasRoom(): boolean {
    return this.ready && !this.doubted && !this.leaving && !this.#over && this.streams.hasRoom;
  }

  /** Calls back once; the error says that none came, and why. */
  ping(done: (error: Error | null) => void): void {
    this.#onPong = done;
    this.#output.say(pingFrame(PING, 0));
  }

  /** Closes the connection in good order; to be called once nothing is under way on it. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#output.say(goawayFrame(0, ErrorCode.noError));
    this.#output.flush();
    this.socket.destroySoon();
    this.socket.setTimeout(LAST_WORDS_MS_MAX, () => this.socket.destroy());
  }

  destroy(failure: Error): void {
    this.#over = true;
    this.#failure ??= failure;
    this.socket.destroy();
  }

  /** What came; a view of the shared buffer where that is borrowed. */
  read(bytes: Buffer): void {
    this.#intake.take(bytes);
  }

  #onDrain(): void {
    this.streams.sender.send();
    this.#intake.goOn();
  }

  get isOver(): boolean {
    return this.#over;
  }

  get isBlocked(): boolean {
    return this.socket.writableLength > UNREAD_BYTES_MAX;
  }

  get streamCount(): number {
    return this.streams.size;
  }

  onFrames(): void {
    this.streams.flush();
  }

  /** RFC 9113 section 5.4.1. Nothing else that is thrown is the instance's doing. */
  onThrown(error: unknown): void {
    this.streams.flush();
    if (!(error instanceof ConnectionError)) throw error;
    this.#output.say(goawayFrame(0, error.code));
    this.#output.flush();
    this.destroy(error);
  }

  onFrame(frame: FrameReader): void {
    if (!this.ready && frame.type !== FrameType.settings) throw broken('the first frame is not SETTINGS');
    if (this.streams.awaitsHead && frame.type !== FrameType.continuation) throw broken('a frame within a field block');
    if (frame.type === FrameType.settings) this.#onSettings(frame);
    else if (frame.type === FrameType.ping) this.#onPing(frame);
    else if (frame.type === FrameType.goaway) this.#onGoaway(frame);
    else this.streams.take(frame);
  }

  /** RFC 9113 section 6.5. */
  #onSettings({ streamId, flags, payload }: FrameReader): void {
    if (streamId !== 0) throw broken('SETTINGS of a stream');
    if ((flags & Flag.ack) !== 0) {
      if (!this.ready) throw broken('the first frame acknowledges SETTINGS');
      if (payload.length > 0) throw new ConnectionError(ErrorCode.frameSizeError, 'an acknowledgement with settings');
      return;
    }
    const settings = readSettings(payload, 0);
    this.#output.say(SETTINGS_ACK);
    this.streams.agree(settings);
    const first = !this.ready;
    this.ready = true;
    if (first || settings.streamsMax !== null) this.#owner.onSettings(this, settings.streamsMax);
  }

  /** RFC 9113 section 6.7. */
  #onPing({ streamId, flags, payload }: FrameReader): void {
    if (streamId !== 0) throw broken('PING of a stream');
    if (payload.length !== PING.length) {
      throw new ConnectionError(ErrorCode.frameSizeError, 'PING of another length');
    }
    const text = payload.toString('latin1');
    if ((flags & Flag.ack) === 0) this.#output.say(pingFrame(text, Flag.ack));
    else if (text === PING) this.#pong(null);
  }

  #pong(error: Error | null): void {
    const onPong = this.#onPong;
    this.#onPong = null;
    onPong?.(error);
  }

  /** RFC 9113 section 6.8: streams beyond the last that it names were not looked at; the others go on. */
  #onGoaway({ streamId, payload }: FrameReader): void {
    if (streamId !== 0) throw broken('GOAWAY of a stream');
    if (payload.length < 8) throw new ConnectionError(ErrorCode.frameSizeError, 'GOAWAY of another length');
    const lastId = payload.readUInt32BE(0) & STREAM_ID_MAX;
    const error = new Error(`the instance is leaving (GOAWAY with code ${payload.readUInt32BE(4)})`);
    this.#leave();
    for (const [id, stream] of this.streams.all()) if (id > lastId) stream.lose(error, true);
  }

  #leave(): void {
    if (this.leaving) return;
    this.leaving = true;
    this.#owner.onLeaving(this);
  }

  #onClose(): void {
    this.#over = true;
    const error =
      this.#failure ?? Object.assign(new Error('the instance closed the connection'), { code: 'ECONNRESET' });
    this.#owner.onClose(this, this.#failure);
    this.#pong(error);
    const lost = this.streams.all();
    if (lost.length === 0) return;
    inTurn(lost.length * STREAM_END_MS, () => {
      for (const [, stream] of lost) stream.lose(error, false);
    });
  }
}

function broken(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.protocolError, message);
}
