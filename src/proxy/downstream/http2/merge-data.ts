// Small DATA frames of one read, put together by stream. Frames of different streams need no order among them; a stream's own
// frames keep theirs. What flow control counts (RFC 9113 section 6.9.1: padding as well) stays the same.

import { DATA, END_STREAM, FRAME_HEADER_BYTES, type Frame, PADDED } from './frame-reader.ts';

/** Payload of a frame that is put together, the default of SETTINGS_MAX_FRAME_SIZE. */
const PAYLOAD_BYTES_MAX = 16_384;
/** The field for the length of the padding, and the most that it can say. */
const PADDING_BYTES_MAX = 256;

/** Data of one stream that waits to go out. */
interface Pending {
  readonly pieces: Buffer[];
  dataBytes: number;
  /** Beside the data: padding, and the field for its length. */
  paddingBytes: number;
}

/** `bytes` with their `frames`, fewer and larger. What lies in front of the first frame, and a last frame without its end, stay as they are. */
export function mergeData(bytes: Buffer, frames: readonly Frame[]): Buffer {
  const out: Buffer[] = [bytes.subarray(0, frames[0]?.at ?? bytes.length)];
  const pending = new Map<number, Pending>();
  const flush = (streamId: number, flags: number): void => {
    const waiting = pending.get(streamId);
    if (waiting === undefined) return;
    pending.delete(streamId);
    if (waiting.dataBytes + waiting.paddingBytes > 0 || flags !== 0) out.push(...frameOf(streamId, flags, waiting));
  };
  for (const frame of frames) {
    const { streamId, flags, at } = frame;
    const data = at + FRAME_HEADER_BYTES + frame.payloadBytes <= bytes.length ? dataOf(frame, bytes) : null;
    if (data === null) {
      flush(streamId, 0);
      out.push(bytes.subarray(at, at + FRAME_HEADER_BYTES + frame.payloadBytes));
      continue;
    }
    const paddingBytes = frame.payloadBytes - data.length;
    if (!fits(pending.get(streamId), data.length, paddingBytes)) flush(streamId, 0);
    const waiting = pending.get(streamId) ?? { pieces: [], dataBytes: 0, paddingBytes: 0 };
    pending.set(streamId, waiting);
    waiting.pieces.push(data);
    waiting.dataBytes += data.length;
    waiting.paddingBytes += paddingBytes;
    if ((flags & END_STREAM) !== 0) flush(streamId, END_STREAM);
  }
  for (const streamId of [...pending.keys()]) flush(streamId, 0);
  return Buffer.concat(out);
}

/** Null for what must stay as it is. */
function dataOf({ type, flags, streamId, at, payloadBytes }: Frame, bytes: Buffer): Buffer | null {
  if (type !== DATA || streamId === 0) return null;
  const from = at + FRAME_HEADER_BYTES;
  if ((flags & PADDED) === 0) return bytes.subarray(from, from + payloadBytes);
  const paddingBytes = 1 + (bytes[from] ?? 0);
  // Malformed, which the session is to see.
  if (payloadBytes === 0 || paddingBytes > payloadBytes) return null;
  return bytes.subarray(from + 1, from + 1 + payloadBytes - paddingBytes);
}

function fits(waiting: Pending | undefined, dataBytes: number, paddingBytes: number): boolean {
  if (waiting === undefined) return true;
  const padding = waiting.paddingBytes + paddingBytes;
  return padding <= PADDING_BYTES_MAX && waiting.dataBytes + dataBytes + padding <= PAYLOAD_BYTES_MAX;
}

function frameOf(streamId: number, flags: number, { pieces, dataBytes, paddingBytes }: Pending): Buffer[] {
  const padded = paddingBytes > 0;
  const header = Buffer.alloc(FRAME_HEADER_BYTES + (padded ? 1 : 0));
  header.writeUIntBE(dataBytes + paddingBytes, 0, 3);
  header[3] = DATA;
  header[4] = flags | (padded ? PADDED : 0);
  header.writeUInt32BE(streamId, 5);
  if (padded) header[FRAME_HEADER_BYTES] = paddingBytes - 1;
  return [header, ...pieces, ...(paddingBytes > 1 ? [Buffer.alloc(paddingBytes - 1)] : [])];
}
