// The body that one stream sends: pieces that wait for the windows of the peer (RFC 9113 section 5.2) and for the socket.

import type { DataSender, DataSource } from './data-sender.ts';
import { Flag, FrameType, frameHeader, kindOf, WINDOW_BYTES_MAX } from './frames.ts';

/** Kinds of frames, as `frameHeader` takes them: a piece of a body, and the last one. */
export const DATA = kindOf(FrameType.data, 0);
/** The kind of a DATA frame with END_STREAM. */
export const LAST_DATA = kindOf(FrameType.data, Flag.endStream);
const NOTHING = Buffer.alloc(0);

/** What a body needs of its stream. */
export interface DataLink {
  readonly id: number;
  readonly sender: DataSender;
  /** A piece of it went out. */
  moved(): void;
  /** No piece is left; `ended`: the last said so to the peer. */
  emptied(ended: boolean): void;
}

/** The data of one stream, from its first piece to its last. */
export class OutgoingData implements DataSource {
  /** What the peer has room for; below zero where it changed its mind (RFC 9113 section 6.9.2). */
  window: number;
  /** The last piece ends the stream. */
  endsWithLast = false;
  readonly #link: DataLink;
  #pieces: Buffer[] = [];
  /** How much of the first piece is sent. */
  #sentBytes = 0;

  /** `window`: of the stream at its begin. */
  constructor(link: DataLink, window: number) {
    this.#link = link;
    this.window = window;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  get sendable(): boolean {
    return this.#pieces.length > 0 && this.window > 0;
  }

  /** It is not copied, and must stay as it is. */
  add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#link.sender.add(this);
  }

  /** RFC 9113 section 6.9. False: beyond what a window can be. */
  open(increment: number): boolean {
    this.window += increment;
    if (this.window > WINDOW_BYTES_MAX) return false;
    if (this.sendable) this.#link.sender.add(this);
    return true;
  }

  sendData(bytesMax: number): number {
    const piece = this.#pieces[0] ?? NOTHING;
    const left = piece.length - this.#sentBytes;
    const length = Math.min(left, bytesMax, this.window);
    const payload = length === piece.length ? piece : piece.subarray(this.#sentBytes, this.#sentBytes + length);
    this.#sentBytes += length;
    this.window -= length;
    if (length === left) {
      this.#pieces.shift();
      this.#sentBytes = 0;
    }
    const ended = this.isEmpty && this.endsWithLast;
    const { id, sender } = this.#link;
    sender.output.sayBytes(frameHeader(length, ended ? LAST_DATA : DATA, id), payload);
    this.#link.moved();
    if (this.isEmpty) this.#link.emptied(ended);
    return length;
  }

  /** What waits is not sent. */
  drop(): void {
    if (this.isEmpty) return;
    this.#pieces = [];
    this.#sentBytes = 0;
    this.#link.sender.remove(this);
  }
}
