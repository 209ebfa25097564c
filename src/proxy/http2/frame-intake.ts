// What a peer sends, taken apart into frames a little at a time: some of them at once, within the connection's share of the event loop
// (loop-share.ts), and none while the peer has to read first what it was sent itself.

import type { Socket } from 'node:net';
import { beginRead, endRead } from '../../net/end-of-read.ts';
import { LoopShare } from '../../net/loop-share.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameType } from './frames.ts';

const NOTHING = Buffer.alloc(0);
/** Frames that are read at once: a millisecond's work or two. */
const FRAMES_MAX = 256;
/** A head counts as this many other frames: it may begin a request. */
const HEAD_FRAMES = 8;

/** The connection that the frames are of. */
export interface FrameSink {
  /** Nothing that comes is of interest any more. */
  readonly isOver: boolean;
  /** The peer does not read; `goOn` follows once it does. */
  readonly isBlocked: boolean;
  /** Streams that are open. */
  readonly streamCount: number;
  /** May throw, which ends the read. */
  onFrame(frame: FrameReader): void;
  /** Some frames were taken apart, and those that are whole and near are still to come. */
  onFrames(frames: FrameReader): void;
  /** Called in place of `onFrames` when one threw. What was gathered is a view of what others read into next. */
  onThrown(error: unknown): void;
}

export interface FrameIntakeOptions {
  /** What it is given is in a buffer that others read into next. */
  readonly borrows: boolean;
  /** Takes off what comes in front of the frames; null: nothing does. */
  readonly preface: { read(bytes: Buffer): Buffer } | null;
}

/** Reads the frames of one connection. */
export class FrameIntake {
  readonly #socket: Socket;
  readonly #sink: FrameSink;
  readonly #options: FrameIntakeOptions;
  readonly #frames = new FrameReader();
  readonly #share = new LoopShare(() => this.goOn());
  /** Came in while the share was used up, or while the peer did not read. */
  #waiting: Buffer = NOTHING;

  constructor(socket: Socket, sink: FrameSink, options: FrameIntakeOptions) {
    this.#socket = socket;
    this.#sink = sink;
    this.#options = options;
  }

  /** What was read. */
  take(bytes: Buffer): void {
    if (this.#sink.isOver) return;
    if (this.#waiting.length > 0) this.#waiting = Buffer.concat([this.#waiting, bytes]);
    else this.#takeApart(bytes, this.#options.borrows);
  }

  /** The peer reads again, or the share is whole again. */
  goOn(): void {
    if (this.#waiting.length === 0 || this.#sink.isOver) return;
    const waiting = this.#waiting;
    this.#waiting = NOTHING;
    this.#takeApart(waiting, false);
    if (this.#waiting.length === 0) this.#socket.resume();
  }

  #takeApart(bytes: Buffer, borrowed: boolean): void {
    const sink = this.#sink;
    let unread = bytes;
    while (unread.length > 0 && !sink.isOver) {
      const { isBlocked } = sink;
      if (this.#share.usedUp || isBlocked) {
        this.#waiting = borrowed ? Buffer.from(unread) : unread;
        this.#socket.pause();
        if (!isBlocked) this.#share.wait();
        return;
      }
      const startMs = performance.now();
      unread = this.#read(unread);
      this.#share.use(performance.now() - startMs);
    }
  }

  /** Up to some number of frames; what lies behind them. */
  #read(bytes: Buffer): Buffer {
    const frames = this.#frames;
    const sink = this.#sink;
    beginRead();
    try {
      frames.add(this.#options.preface?.read(bytes) ?? bytes);
      for (let count = 0; count < FRAMES_MAX && !sink.isOver && frames.next(); count++) {
        if (frames.type === FrameType.headers) count += HEAD_FRAMES - 1;
        // They may open the window of each stream.
        else if (frames.type === FrameType.settings) count += sink.streamCount;
        sink.onFrame(frames);
      }
      sink.onFrames(frames);
    } catch (error) {
      sink.onThrown(error);
    } finally {
      endRead();
    }
    return sink.isOver ? NOTHING : frames.leave();
  }
}
