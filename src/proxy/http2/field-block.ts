// A field block on its way in: one HEADERS frame and the CONTINUATION frames behind it, with nothing between (RFC 9113 sections 4.3,
// 6.2 and 6.10).

import { KeptBytes } from '../kept-bytes.ts';
import { ConnectionError, ErrorCode, Flag } from './frames.ts';

/** CONTINUATION frames of one block at the most; without a limit they are a flood that costs its sender nothing. */
const CONTINUATIONS_MAX = 32;
const PRIORITY_BYTES = 5;
/** A field block may be larger than what it says: names and values that stand in no table, and the length of each. */
const BLOCK_BYTES_MORE = 16 * 1024;

/** The stream that a PRIORITY, or the priority in HEADERS, depends on (RFC 7540 section 5.3.1); nothing else of it is read. */
export function dependencyOf(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) & 0x7fff_ffff;
}

export interface Fragment {
  readonly bytes: Buffer;
  /** -1: it does not say. */
  readonly dependency: number;
}

/** The part of a HEADERS frame that belongs to its field block. Throws `ConnectionError`. */
export function fragmentOf(payload: Buffer, flags: number): Fragment {
  let bytes = (flags & Flag.padded) === 0 ? payload : withoutPadding(payload);
  if ((flags & Flag.priority) === 0) return { bytes, dependency: -1 };
  if (bytes.length < PRIORITY_BYTES)
    throw new ConnectionError(ErrorCode.frameSizeError, 'HEADERS without its priority');
  const dependency = dependencyOf(bytes, 0);
  bytes = bytes.subarray(PRIORITY_BYTES);
  return { bytes, dependency };
}

/** The payload of DATA or HEADERS (RFC 9113 sections 6.1 and 6.2). Throws `ConnectionError`. */
export function withoutPadding(payload: Buffer): Buffer {
  const padding = payload[0];
  if (padding === undefined || padding >= payload.length) {
    throw new ConnectionError(ErrorCode.protocolError, 'more padding than there is in the frame');
  }
  return payload.subarray(1, payload.length - padding);
}

/** A field block that is not whole yet. */
export class FieldBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly dependency: number;
  readonly #bytesMax: number;
  readonly #kept = new KeptBytes();
  #continuations = 0;

  constructor(streamId: number, { bytes, dependency }: Fragment, { endStream, fieldBytesMax }: FieldBlockOptions) {
    this.streamId = streamId;
    this.endStream = endStream;
    this.dependency = dependency;
    this.#bytesMax = fieldBytesMax + BLOCK_BYTES_MORE;
    this.#add(bytes);
  }

  /** Throws `ConnectionError` where there is no end to it. */
  continue(bytes: Buffer): void {
    this.#continuations++;
    if (this.#continuations > CONTINUATIONS_MAX) throw tooMuch();
    this.#add(bytes);
  }

  whole(): Buffer {
    return this.#kept.whole();
  }

  #add(bytes: Buffer): void {
    this.#kept.add(bytes);
    if (this.#kept.length > this.#bytesMax) throw tooMuch();
  }
}

export interface FieldBlockOptions {
  readonly endStream: boolean;
  /** What its fields may have. */
  readonly fieldBytesMax: number;
}

function tooMuch(): ConnectionError {
  return new ConnectionError(ErrorCode.enhanceYourCalm, 'a field block without an end');
}
