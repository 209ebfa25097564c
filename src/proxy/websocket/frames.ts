// Where the frames of a WebSocket byte stream begin and end (RFC 6455 section 5.2), without looking at messages: enough to put a close
// frame between two others, and to see how the stream ends.

/** Longest header: 2 bytes, 8 of length, 4 of mask. */
const HEADER_BYTES_MAX = 14;

const OPCODE_CLOSE = 0x8;
/** Opcodes from here on are of control frames. */
const OPCODE_CONTROL = 0x8;
/** Further data, text, binary data, close, ping, pong: the others mean nothing. */
const OPCODES: ReadonlySet<number> = new Set([0x0, 0x1, 0x2, 0x8, 0x9, 0xa]);
const FIN = 0x80;
/** Bits that no registered extension uses. */
const RESERVED = 0x30;
const REGISTERED = /^\s*(?:permessage-deflate\s*(?:;|$)|$)/i;
const CONTROL_BYTES_MAX = 125;
/** Longer ones would be negative. */
const FRAME_BYTES_MAX = 2 ** 63;
const CODE_BYTES = 2;

/** RFC 6455 section 7.4.1: a close frame without a code. */
const NO_CODE = 1005;

export class FrameTracker {
  readonly #header = new Uint8Array(HEADER_BYTES_MAX);
  #headerBytes = 0;
  #payloadLeft = 0;
  #codeBytesLeft = 0;
  /** As far as it came. */
  #code = 0;
  /** A piece of a message came. */
  hasMessage = false;
  /** The code of the close frame, once all of it came; 0 before. A masked code is not read, and 0 is none: 1005 stands for them. */
  closeCode = 0;

  /** A frame came at which the other end has to fail the connection (RFC 6455 section 5). */
  isInvalid = false;
  readonly #masks: boolean | null;
  readonly #extended: boolean;

  /** `masks`: whether what is followed has to be masked; null: it may be. `extended`: reserved bits and opcodes may mean something. */
  constructor(masks: boolean | null = null, extended = false) {
    this.#masks = masks;
    this.#extended = extended;
  }

  /** A close frame came. */
  get isClosed(): boolean {
    return this.closeCode !== 0;
  }

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
        while (this.#codeBytesLeft > 0 && at < chunk.length) {
          this.#code = this.#code * 256 + (chunk[at++] ?? 0);
          this.#codeBytesLeft--;
          this.#payloadLeft--;
          if (this.#codeBytesLeft === 0) this.closeCode = this.#code || NO_CODE;
        }
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
    const masked = (second & 0x80) !== 0;
    const first = this.#header[0] ?? 0;
    const opcode = first & 0x0f;
    const isBadControl = opcode >= OPCODE_CONTROL && ((first & FIN) === 0 || length > CONTROL_BYTES_MAX);
    const isBadMask = this.#masks !== null && this.#masks !== masked;
    const isBadLength = length >= FRAME_BYTES_MAX;
    const isReserved = !OPCODES.has(opcode) || (first & RESERVED) !== 0;
    this.isInvalid ||= (isReserved && !this.#extended) || isBadControl || isBadMask || isBadLength;
    if (opcode < OPCODE_CONTROL) this.hasMessage = true;
    else if (opcode === OPCODE_CLOSE) this.#readClose(length, masked);
  }

  #readClose(length: number, masked: boolean): void {
    const readsCode = !masked && length >= CODE_BYTES;
    if (!readsCode) this.closeCode = NO_CODE;
    this.#code = 0;
    this.#codeBytesLeft = readsCode ? CODE_BYTES : 0;
  }
}

/**
 * Whether an answer's `Sec-WebSocket-Extensions` names one that may use what is reserved (RFC 6455 section 9). The registered ones use
 * the first reserved bit alone, and no opcodes (RFC 7692).
 */
export function usesReserved(extensions: string | null): boolean {
  return extensions?.split(',').some((one) => !REGISTERED.test(one)) === true;
}

/** Clients mask, servers do not (RFC 6455 section 5.1); a mask of zeroes is one. */
export function closeFrame(code: number, masked: boolean): Buffer {
  const status = [code >> 8, code & 0xff];
  return masked
    ? Buffer.from([0x80 | OPCODE_CLOSE, 0x82, 0, 0, 0, 0, ...status])
    : Buffer.from([0x80 | OPCODE_CLOSE, 0x02, ...status]);
}
