// One client connection that speaks HTTP/2: what its frames ask of it, and its time. Each of its streams is an
// exchange of its own (streams.ts).

import type { Socket } from 'node:net';
import { inTurn } from '../../../net/loop-share.ts';
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
  STREAM_ID_MAX,
  WINDOW_BYTES,
  windowUpdateFrame,
} from '../../http2/frames.ts';
import { Output } from '../../http2/output.ts';
import { linger } from '../linger.ts';
import type { Http2PortOptions } from './port-options.ts';
import { Preface } from './preface.ts';
import { ownSettings } from './settings.ts';
import { Http2Streams } from './streams.ts';

/** What the end of a stream with its request is taken to cost, ms. */
const STREAM_END_MS = 0.1;
const PING_BYTES = 8;
/** What our own pings say: is it there, and has it heard that this is the end. */
const ARE_YOU_THERE = 'qedge: ?';
const GOODBYE = 'qedge: .';
/** How long a client has to answer a goodbye: what it sent before it heard of it is served. */
const GOODBYE_MS = 1000;

export class Http2Connection implements FrameSink {
  readonly #options: Http2PortOptions;
  readonly #onEnd: () => void;
  readonly #socket: Socket;
  readonly #output: Output;
  readonly #streams: Http2Streams;
  readonly #intake: FrameIntake;
  #settingsSeen = false;
  /** A head became whole since the last look. */
  #headEnded = false;
  /** Nothing that comes is of interest any more. */
  #over = false;
  #goodbyeSaid = false;
  #headTimer: NodeJS.Timeout | null = null;
  #quietTimer: NodeJS.Timeout | null = null;
  #pingTimer: NodeJS.Timeout | null = null;
  #endTimer: NodeJS.Timeout | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  /** The last stream when the connection was last looked at, and without one under way; else -1. */
  #idleSinceId = -1;

  /** Takes the socket; `first`: what has been read of it. `onEnd`: it is closed, and no exchange of it goes on. */
  constructor(from: { socket: Socket; first: Buffer }, options: Http2PortOptions, onEnd: () => void) {
    const { socket, first } = from;
    const { config, dispatch, service, peerOf } = options;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#socket = socket;
    this.#output = new Output(socket);
    this.#intake = new FrameIntake(socket, this, { borrows: false, preface: new Preface() });
    this.#streams = new Http2Streams({
      config,
      dispatch,
      service,
      peer: peerOf(socket.remoteAddress, 'encrypted' in socket),
      output: this.#output,
      onOpen: () => this.#watchStreams(),
      onClose: () => this.#endWhenOver(),
    });
    this.#output.say(ownSettings(config().headerBytesMax));
    this.#output.say(windowUpdateFrame(0, CONNECTION_WINDOW_BYTES - WINDOW_BYTES));
    this.#awaitHead(true);
    socket.on('data', (chunk: Buffer) => this.#intake.take(chunk));
    // HTTP/2 has no connection that is half open, but the servers of HTTP/1 that it came from have.
    socket.on('end', () => socket.destroy());
    socket.on('drain', () => this.#onDrain());
    socket.on('close', () => this.#onSocketClose());
    socket.setTimeout(config().keepAliveTimeoutMs);
    socket.on('timeout', () => this.#onQuiet());
    this.#watchRequests();
    socket.resume();
    this.#intake.take(first);
  }

  /**
   * No new streams; those under way finish. Those that are on their way while the client hears of it are served as well (RFC 9113
   * section 6.8).
   */
  stop(): void {
    if (this.#goodbyeSaid || this.#over) return;
    this.#goodbyeSaid = true;
    this.#output.say(goawayFrame(STREAM_ID_MAX, ErrorCode.noError) + pingFrame(GOODBYE, 0));
    this.#endTimer = setTimeout(leave, GOODBYE_MS, this).unref();
  }

  /** Streams that begin from here on are not looked at. */
  leave(): void {
    if (this.#streams.refusing) return;
    this.#goodbyeSaid = true;
    this.#streams.refusing = true;
    clear(this.#endTimer);
    this.#output.say(goawayFrame(this.#streams.lastId, ErrorCode.noError));
    this.#endWhenOver();
  }

  /** Streams on which nothing moved for as long as they may be quiet. */
  lookAtStreams(): void {
    this.#quietTimer = null;
    const nowMs = performance.now();
    for (const stream of this.#streams.all()) {
      if (nowMs - stream.movedMs >= stream.timeout) stream.connection.onQuiet(stream, this.#options.config());
    }
    this.#watchStreams();
  }

  /** Whether no request came and none was under way since the last look: frames of other kinds keep no connection. */
  lookAtRequests(): void {
    const { size, lastId } = this.#streams;
    if (size === 0 && lastId === this.#idleSinceId) {
      this.stop();
      return;
    }
    this.#idleSinceId = size === 0 ? lastId : -1;
    this.#watchRequests();
  }

  #onDrain(): void {
    this.#streams.sender.send();
    this.#intake.goOn();
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** A client that does not read what it is sent is not read either. */
  get isBlocked(): boolean {
    return this.#output.blocked;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  onFrames(frames: FrameReader): void {
    this.#streams.flush();
    // The head that was awaited is whole: what is awaited now has its own time.
    if (this.#headEnded) this.#awaitHead(false);
    this.#headEnded = false;
    this.#awaitHead(!this.#settingsSeen || frames.awaitsHead || this.#streams.awaitsHead);
  }

  /** RFC 9113 section 5.4.1. Nothing else that is thrown is the client's doing. */
  onThrown(error: unknown): void {
    if (!(error instanceof ConnectionError)) throw error;
    this.#over = true;
    this.#output.say(goawayFrame(this.#streams.lastId, error.code));
    this.#leaveStreams();
    this.#clearTimers();
    this.#output.flush();
    linger(this.#socket);
  }

  onFrame(frame: FrameReader): void {
    if (!this.#settingsSeen && frame.type !== FrameType.settings) {
      throw new ConnectionError(ErrorCode.protocolError, 'the first frame is not SETTINGS');
    }
    this.#settingsSeen = true;
    if (this.#streams.awaitsHead && frame.type !== FrameType.continuation) {
      throw new ConnectionError(ErrorCode.protocolError, 'a frame within a field block');
    }
    if (frame.type === FrameType.ping) this.#onPing(frame);
    else if (frame.type === FrameType.goaway) this.#onGoaway(frame);
    else this.#streams.take(frame);
    if (!this.#streams.awaitsHead) this.#headEnded = true;
  }

  /** RFC 9113 section 6.7. */
  #onPing({ streamId, flags, payload }: FrameReader): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, 'PING of a stream');
    if (payload.length !== PING_BYTES) throw new ConnectionError(ErrorCode.frameSizeError, 'PING of another length');
    const text = payload.toString('latin1');
    if ((flags & Flag.ack) === 0) {
      this.#output.say(pingFrame(text, Flag.ack));
    } else if (text === GOODBYE && this.#goodbyeSaid) {
      this.leave();
    } else if (text === ARE_YOU_THERE) {
      clear(this.#pingTimer);
      this.#pingTimer = null;
    }
  }

  /** RFC 9113 section 6.8: the client begins no more. */
  #onGoaway({ streamId, payload }: FrameReader): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, 'GOAWAY of a stream');
    if (payload.length < 8) throw new ConnectionError(ErrorCode.frameSizeError, 'GOAWAY of another length');
    this.leave();
  }

  #awaitHead(awaits: boolean): void {
    if (awaits) {
      this.#headTimer ??= setTimeout(destroy, this.#options.config().headersTimeoutMs, this.#socket).unref();
    } else {
      clear(this.#headTimer);
      this.#headTimer = null;
    }
  }

  #watchRequests(): void {
    this.#idleTimer = setTimeout(lookAtRequests, this.#options.config().keepAliveTimeoutMs, this).unref();
  }

  /** One timer for all of them: it goes off when the first could have been quiet for too long. */
  #watchStreams(): void {
    if (this.#quietTimer !== null || this.#streams.size === 0) return;
    const nowMs = performance.now();
    // One that begins a moment later has as long.
    let leftMs = this.#options.config().bodyIdleTimeoutMs;
    for (const { movedMs, timeout } of this.#streams.all()) leftMs = Math.min(leftMs, movedMs + timeout - nowMs);
    this.#quietTimer = setTimeout(lookAtStreams, Math.max(1, Math.ceil(leftMs)), this).unref();
  }

  /**
   * Nothing moved for as long as an idle connection is kept. With requests under way that may be the instance's doing, or a
   * client that is gone: it is asked (RFC 9113 section 6.7).
   */
  #onQuiet(): void {
    if (this.#over) {
      // It does not take what it is sent last, so that nothing else ends it.
      this.#socket.destroy();
      return;
    }
    if (this.#streams.size === 0) {
      this.stop();
      return;
    }
    if (this.#pingTimer !== null) return;
    this.#pingTimer = setTimeout(destroy, this.#options.config().bodyIdleTimeoutMs, this.#socket).unref();
    this.#output.say(pingFrame(ARE_YOU_THERE, 0));
  }

  /** The client has as long as for a part of a body to end its own half. */
  #endWhenOver(): void {
    if (this.#over || !this.#streams.refusing || this.#streams.size > 0 || this.#socket.writableEnded) return;
    this.#output.flush();
    this.#socket.end();
    this.#endTimer = setTimeout(destroy, this.#options.config().bodyIdleTimeoutMs, this.#socket).unref();
  }

  /** Its streams end with it: hundreds at once, and as many again for each other connection that is lost at the same moment. */
  #onSocketClose(): void {
    this.#over = true;
    this.#clearTimers();
    if (this.#streams.size > 0) inTurn(this.#streams.size * STREAM_END_MS, () => this.#end());
    else this.#onEnd();
  }

  #end(): void {
    this.#leaveStreams();
    // Behind their exchanges, which end in ticks of their own.
    process.nextTick(this.#onEnd);
  }

  #leaveStreams(): void {
    for (const stream of this.#streams.all()) stream.leave();
  }

  #clearTimers(): void {
    for (const timer of [this.#headTimer, this.#quietTimer, this.#pingTimer, this.#endTimer, this.#idleTimer])
      clear(timer);
  }
}

function leave(connection: Http2Connection): void {
  connection.leave();
}

function lookAtStreams(connection: Http2Connection): void {
  connection.lookAtStreams();
}

function lookAtRequests(connection: Http2Connection): void {
  connection.lookAtRequests();
}

function destroy(socket: Socket): void {
  socket.destroy();
}

function clear(timer: NodeJS.Timeout | null): void {
  if (timer !== null) clearTimeout(timer);
}
