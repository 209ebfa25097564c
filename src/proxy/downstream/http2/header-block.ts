// Field blocks (RFC 9113 section 4.3) as far as to count their fields: what stands in them is the session's to decode.

import { CONTINUATION, END_HEADERS, FRAME_HEADER_BYTES, type Frame, PADDED, PRIORITY } from './frame-reader.ts';

/** Counts that were not asked for, of streams that the session refused, are forgotten beyond this. */
const COUNTS_MAX = 512;
/** A longer block is not counted. The session takes no more either. */
const BLOCK_BYTES_MAX = 128 * 1024;
const PRIORITY_BYTES = 5;

export class HeaderBlock {
  #pieces: Buffer[] = [];
  #bytes = 0;
  readonly #counts = new Map<number, number>();
  /** Its end has not come yet. */
  open = false;

  /** A HEADERS or CONTINUATION frame in `bytes`. */
  add(frame: Frame, bytes: Buffer): void {
    const piece = fragmentOf(frame, bytes);
    this.#bytes += piece.length;
    this.open = (frame.flags & END_HEADERS) === 0;
    // A copy of what waits: the rest of the read must not be kept with it.
    if (this.#bytes <= BLOCK_BYTES_MAX) this.#pieces.push(this.open ? Buffer.from(piece) : piece);
    if (this.open) return;
    const [first] = this.#pieces;
    const block = this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces);
    this.#keep(frame.streamId, this.#bytes <= BLOCK_BYTES_MAX ? countFields(block) : Number.NaN);
    this.#pieces = [];
    this.#bytes = 0;
  }

  /** NaN: not known. */
  takeCount(streamId: number): number {
    const count = this.#counts.get(streamId) ?? Number.NaN;
    this.#counts.delete(streamId);
    return count;
  }

  #keep(streamId: number, count: number): void {
    this.#counts.set(streamId, count);
    if (this.#counts.size <= COUNTS_MAX) return;
    const [oldest] = this.#counts.keys();
    if (oldest !== undefined) this.#counts.delete(oldest);
  }
}

/** RFC 9113 sections 6.2 and 6.10. */
function fragmentOf({ type, flags, at, payloadBytes }: Frame, bytes: Buffer): Buffer {
  let from = at + FRAME_HEADER_BYTES;
  let to = from + payloadBytes;
  if (type !== CONTINUATION) {
    if ((flags & PADDED) !== 0) to -= bytes[from++] ?? 0;
    if ((flags & PRIORITY) !== 0) from += PRIORITY_BYTES;
  }
  return bytes.subarray(from, Math.max(from, to));
}

/** RFC 7541 section 6. */
function countFields(block: Buffer): number {
  let count = 0;
  for (let at = 0; at < block.length; ) {
    const first = block[at] ?? 0;
    if ((first & 0x80) !== 0) {
      at = behindInteger(block, at, 7);
    } else if ((first & 0xe0) === 0x20) {
      at = behindInteger(block, at, 5);
      continue;
    } else {
      const prefixBits = (first & 0x40) !== 0 ? 6 : 4;
      const named = (first & ((1 << prefixBits) - 1)) === 0;
      at = behindInteger(block, at, prefixBits);
      if (named) at = behindString(block, at);
      at = behindString(block, at);
    }
    count++;
  }
  return count;
}

/** RFC 7541 section 5.1. */
function behindInteger(block: Buffer, at: number, prefixBits: number): number {
  const max = (1 << prefixBits) - 1;
  if (((block[at] ?? 0) & max) < max) return at + 1;
  let last = at + 1;
  while (((block[last] ?? 0) & 0x80) !== 0) last++;
  return last + 1;
}

/** RFC 7541 section 5.2. */
function behindString(block: Buffer, at: number): number {
  const behind = behindInteger(block, at, 7);
  let length = (block[at] ?? 0) & 0x7f;
  for (let i = at + 1; i < behind; i++) length += ((block[i] ?? 0) & 0x7f) * 2 ** (7 * (i - at - 1));
  return behind + length;
}
