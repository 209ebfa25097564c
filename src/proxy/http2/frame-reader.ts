// Takes what a peer sends apart into frames (RFC 9113 section 4.1), one after another. A frame lies in what was read last; one that
// is cut by the end of a read is put together in a buffer of its own size.

import { ConnectionError, ErrorCode, FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FrameType } from './frames.ts';

const NOTHING = Buffer.alloc(0);

/** Reads one connection: `add` what was read, `next` until it is false, then `leave`. */
export class FrameReader {
  type = 0;
  flags = 0;
  streamId = 0;
  /** The payload of the frame that was read last; it shares memory with what was read. */
  payload: Buffer = NOTHING;
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** A frame without its end, or a part of a frame's header. */
  #cut: Buffer = NOTHING;
  #cutBytes = 0;

  /** More bytes; those before must have been read. */
  add(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** What `next` has not looked at; nothing of what was read is kept, nor the payload of its last frame. */
  leave(): Buffer {
    const unread = this.#at === 0 ? this.#chunk : this.#chunk.subarray(this.#at);
    this.#chunk = NOTHING;
    this.#at = 0;
    this.payload = NOTHING;
    return unread.length === 0 ? NOTHING : unread;
  }

  /** What has come of a frame without its end may be of a head. */
  get awaitsHead(): boolean {
    if (this.#cutBytes < FRAME_HEADER_BYTES) return this.#cutBytes > 0;
    const type = this.#cut[3];
    return type === FrameType.headers || type === FrameType.continuation;
  }

  /** The next frame that is whole; false: there is none. Throws `ConnectionError` for one that is too long. */
  next(): boolean {
    if (this.#cutBytes > 0) return this.#complete();
    const chunk = this.#chunk;
    const at = this.#at;
    const left = chunk.length - at;
    if (left < FRAME_HEADER_BYTES) {
      if (left > 0) this.#keep(FRAME_HEADER_BYTES);
      return false;
    }
    const length = lengthOf(chunk, at);
    if (left < FRAME_HEADER_BYTES + length) {
      this.#keep(FRAME_HEADER_BYTES + length);
      return false;
    }
    this.#at = at + FRAME_HEADER_BYTES + length;
    this.#take(chunk, at, length);
    return true;
  }

  /** Goes on with a frame that was cut: first its header, then the rest. */
  #complete(): boolean {
    this.#fill();
    if (this.#cutBytes === FRAME_HEADER_BYTES && this.#cut.length === FRAME_HEADER_BYTES) {
      const length = lengthOf(this.#cut, 0);
      if (length > 0) {
        const whole = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + length);
        this.#cut.copy(whole);
        this.#cut = whole;
        this.#fill();
      }
    }
    if (this.#cutBytes < this.#cut.length) return false;
    const whole = this.#cut;
    this.#cut = NOTHING;
    this.#cutBytes = 0;
    this.#take(whole, 0, whole.length - FRAME_HEADER_BYTES);
    return true;
  }

  #keep(bytes: number): void {
    this.#cut = Buffer.allocUnsafeSlow(bytes);
    this.#fill();
  }

  #fill(): void {
    const copied = this.#chunk.copy(this.#cut, this.#cutBytes, this.#at);
    this.#cutBytes += copied;
    this.#at += copied;
  }

  #take(bytes: Buffer, at: number, length: number): void {
    this.type = bytes[at + 3] ?? 0;
    this.flags = bytes[at + 4] ?? 0;
    this.streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
    this.payload = length === 0 ? NOTHING : bytes.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + length);
  }
}

/** RFC 9113 section 4.2: frames beyond what we allow end the connection. */
function lengthOf(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3);
  if (length > FRAME_BYTES_MAX) throw new ConnectionError(ErrorCode.frameSizeError, `a frame of ${length} bytes`);
  return length;
}
