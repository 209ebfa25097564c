// Where the frames of HTTP/2 begin and end in what a client sends (RFC 9113 section 4.1).

export const DATA = 0;
export const HEADERS = 1;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITY = 32;

export const FRAME_HEADER_BYTES = 9;
/** The client's preface, in front of all frames (RFC 9113 section 3.4). */
const PREFACE_BYTES = 24;
/** What we allow, the default of SETTINGS_MAX_FRAME_SIZE: the session ends a connection with larger ones. */
const FRAME_BYTES_MAX = 16_384;
/** As many other frames a head counts as: it may begin a request. */
const HEAD_FRAMES = 8;
const NOTHING = Buffer.alloc(0);

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Where its header begins in what was read. */
  readonly at: number;
  readonly payloadBytes: number;
}

export function isHead(type: number): boolean {
  return type === HEADERS || type === CONTINUATION;
}

export class FrameReader {
  /** What the frames that were read last lie in. */
  whole: Buffer = NOTHING;
  /** Bytes of it that may go on; the rest, a part of a head, waits for more. */
  ready = 0;
  /** Behind what may go on; to be read next. */
  unread: Buffer = NOTHING;
  /** A part of a head, or of the preface, is here. */
  awaitsHead = true;
  /** Came without their end: a part of a frame's header, or of a HEADERS or CONTINUATION frame. */
  #rest: Buffer = NOTHING;
  /** Bytes still to come of the preface or of a frame that began before. */
  #left = PREFACE_BYTES;
  #frameSeen = false;

  /** The frames that begin in `chunk`, but for a last one that waits for more; what is beyond `framesMax` is left `unread`. */
  read(chunk: Buffer, framesMax: number): readonly Frame[] {
    const whole = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let at = Math.min(this.#left, whole.length);
    this.#left -= at;
    let count = 0;
    while (whole.length - at >= FRAME_HEADER_BYTES && count < framesMax) {
      const payloadBytes = whole.readUIntBE(at, 3);
      const type = whole[at + 3] ?? 0;
      const end = at + FRAME_HEADER_BYTES + payloadBytes;
      if (end > whole.length && isHead(type) && payloadBytes <= FRAME_BYTES_MAX) break;
      this.#frameSeen = true;
      count += isHead(type) ? HEAD_FRAMES : 1;
      frames.push({
        type,
        flags: whole[at + 4] ?? 0,
        streamId: whole.readUInt32BE(at + 5) & 0x7fff_ffff,
        at,
        payloadBytes,
      });
      this.#left = Math.max(0, end - whole.length);
      at = Math.min(end, whole.length);
    }
    this.whole = whole;
    this.ready = at;
    this.unread = count < framesMax ? NOTHING : whole.subarray(at);
    this.#rest = at === whole.length || count >= framesMax ? NOTHING : Buffer.from(whole.subarray(at));
    this.awaitsHead = !this.#frameSeen || this.#rest.length > 0;
    return frames;
  }
}
