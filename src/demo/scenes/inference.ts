// The answers of the emulated models. No model runs: an answer is a checksum of the frame, put into the shape and range
// of a real one, so that the same frame has the same answer on every instance and a cut-off frame has none.

/** A body that a model cannot take; answered with status 400 and this message. */
export class RequestError extends Error {}

/** Full lock of the steering wheel's road angle, degrees. */
const STEERING_DEGREES_MAX = 25;
const OBJECTS_MAX = 4;

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Share of all bytes, in [0, 1). */
  readonly checksum: number;
}

/** Reads a whole baseline JPEG's size; throws a `RequestError` when the bytes are no such file. */
export function readFrame(body: Buffer): Frame {
  const whole = body.length > 4 && body.readUInt16BE(0) === 0xffd8 && body.readUInt16BE(body.length - 2) === 0xffd9;
  if (!whole)
    throw new RequestError(`expected a whole JPEG frame as the body, got ${body.length} bytes of something else`);
  const size = startOfFrame(body);
  if (size === null) throw new RequestError('expected a baseline JPEG, got one without an SOF0 segment');
  return { ...size, checksum: checksum(body) };
}

/** What PilotNet would say: where to steer, in degrees, left is negative. */
export function steer(body: Buffer): { readonly steering_angle: number } {
  const { checksum } = readFrame(body);
  return { steering_angle: Math.round((checksum * 2 - 1) * STEERING_DEGREES_MAX * 100) / 100 };
}

/** What an object detector would say: how many objects are in the frame. */
export function detect(body: Buffer): { readonly objects: number; readonly width: number; readonly height: number } {
  const { width, height, checksum } = readFrame(body);
  return { objects: Math.floor(checksum * (OBJECTS_MAX + 1)), width, height };
}

/** Walks the segments (ITU-T T.81, B.1.1.4) up to SOF0. */
function startOfFrame(body: Buffer): { width: number; height: number } | null {
  for (let at = 2; at + 9 < body.length && body[at] === 0xff; at += 2 + body.readUInt16BE(at + 2)) {
    if (body[at + 1] === 0xc0) return { height: body.readUInt16BE(at + 5), width: body.readUInt16BE(at + 7) };
  }
  return null;
}

/** FNV-1a, 32 bits, as a fraction. */
function checksum(body: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of body) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) / 4_294_967_296;
}
