// What frames are made of (RFC 9113 sections 4, 6 and 7), and those that are said here, as text in which each character is a byte: a
// head, a small body and what else is due leave as one string.

/** RFC 9113 section 6. */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** RFC 9113 section 6: each is of some types alone. */
export const Flag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** RFC 9113 section 7. */
export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

/** RFC 9113 section 6.5.2. */
export const Setting = {
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

export const FRAME_HEADER_BYTES = 9;
/** The default of SETTINGS_MAX_FRAME_SIZE: we allow no larger ones, and send none. */
export const FRAME_BYTES_MAX = 16_384;
/** The default of SETTINGS_INITIAL_WINDOW_SIZE, and the window of a connection at first (RFC 9113 section 6.9.2). */
export const WINDOW_BYTES = 65_535;
/** The window of a connection of ours; each stream has one of its own, and a stream that stands must not hold up the others. */
export const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** RFC 9113 section 6.9.1. */
export const WINDOW_BYTES_MAX = 0x7fff_ffff;
/** RFC 9113 section 4.1. */
export const STREAM_ID_MAX = 0x7fff_ffff;

/** A connection error (RFC 9113 section 5.4.1). */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Type and flags, as `frameHeader` takes them. */
export function kindOf(type: number, flags: number): number {
  return (type << 8) | flags;
}

const RST_STREAM = kindOf(FrameType.rstStream, 0);
const WINDOW_UPDATE = kindOf(FrameType.windowUpdate, 0);
const HEADERS = kindOf(FrameType.headers, 0);
const CONTINUATION = kindOf(FrameType.continuation, 0);

/** The 9 bytes in front of a payload of `length` bytes (RFC 9113 section 4.1); `kind`: see `kindOf`. */
export function frameHeader(length: number, kind: number, streamId: number): string {
  return String.fromCharCode(
    (length >>> 16) & 255,
    (length >>> 8) & 255,
    length & 255,
    kind >>> 8,
    kind & 255,
    (streamId >>> 24) & 255,
    (streamId >>> 16) & 255,
    (streamId >>> 8) & 255,
    streamId & 255,
  );
}

/** A field block (RFC 9113 section 4.3), in as many frames as it takes. */
export function headersFrames(block: string, streamId: number, endStream: boolean): string {
  const flags = endStream ? Flag.endStream : 0;
  if (block.length <= FRAME_BYTES_MAX) {
    return frameHeader(block.length, HEADERS | flags | Flag.endHeaders, streamId) + block;
  }
  let text = frameHeader(FRAME_BYTES_MAX, HEADERS | flags, streamId) + block.slice(0, FRAME_BYTES_MAX);
  for (let at = FRAME_BYTES_MAX; at < block.length; at += FRAME_BYTES_MAX) {
    const piece = block.slice(at, at + FRAME_BYTES_MAX);
    const last = at + FRAME_BYTES_MAX >= block.length;
    text += frameHeader(piece.length, CONTINUATION | (last ? Flag.endHeaders : 0), streamId) + piece;
  }
  return text;
}

/** RFC 9113 section 6.4. */
export function rstStreamFrame(streamId: number, code: number): string {
  return frameHeader(4, RST_STREAM, streamId) + uint32(code);
}

/** RFC 9113 section 6.9; stream 0 is the connection. */
export function windowUpdateFrame(streamId: number, increment: number): string {
  return frameHeader(4, WINDOW_UPDATE, streamId) + uint32(increment);
}

/** RFC 9113 section 6.8. */
export function goawayFrame(lastStreamId: number, code: number): string {
  return frameHeader(8, kindOf(FrameType.goaway, 0), 0) + uint32(lastStreamId) + uint32(code);
}

/** `payload`: 8 characters. */
export function pingFrame(payload: string, flags: number): string {
  return frameHeader(payload.length, kindOf(FrameType.ping, flags), 0) + payload;
}

/** Settings by their identifiers. */
export function settingsFrame(settings: readonly (readonly [number, number])[]): string {
  const payload = settings.map(([id, value]) => String.fromCharCode(id >>> 8, id & 255) + uint32(value)).join('');
  return frameHeader(payload.length, kindOf(FrameType.settings, 0), 0) + payload;
}

/** RFC 9113 section 6.5.3. */
export const SETTINGS_ACK = frameHeader(0, kindOf(FrameType.settings, Flag.ack), 0);

function uint32(value: number): string {
  return String.fromCharCode((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}
