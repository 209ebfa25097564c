// Where the frames of a WebSocket byte stream begin and end (RFC 6455 section 5.2), without looking at what is in them: just
// enough to put a close frame between two others.

/** Longest header: 2 bytes, 8 of length, 4 of mask. */
const HEADER_BYTES_MAX = 14;

const OPCODE_CLOSE = 0x8;

export class FrameTracker {
  readonly #header = new Uint8Array(HEADER_BYTES_MAX);
  #headerBytes = 0;
  #payloadLeft = 0;

  /** Whether the stream stands between two frames. */
  get atBoundary(): boolean {
    return this.#headerBytes === 0 && this.#payloadLeft === 0;
  }

  /** Follows the stream by one chunk. Returns how many of its bytes end the frame that was open, -1 when they do not. */
  advance(chunk: Uint8Array): number {
    let first = -1;
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= taken;
        at += taken;
      } else {
        this.#header[this.#headerBytes++] = chunk[at++] ?? 0;
        this.#readHeader();
      }
      if (first < 0 && this.atBoundary) first = at;
    }
    return first;
  }

  #readHeader(): void {
    if (this.#headerBytes < 2) return;
    const second = this.#header[1] ?? 0;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (this.#headerBytes < 2 + lengthBytes + ((second & 0x80) === 0 ? 0 : 4)) return;
    let length = lengthBytes === 0 ? short : 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (this.#header[2 + i] ?? 0);
    this.#payloadLeft = length;
    this.#headerBytes = 0;
  }
}

/** Clients mask, servers do not (RFC 6455 section 5.1); a mask of zeroes is one. */
export function closeFrame(code: number, masked: boolean): Buffer {
  const status = [code >> 8, code & 0xff];
  return masked
    ? Buffer.from([0x80 | OPCODE_CLOSE, 0x82, 0, 0, 0, 0, ...status])
    : Buffer.from([0x80 | OPCODE_CLOSE, 0x02, ...status]);
}
