// The messages of a gRPC answer: five bytes (flags and a length), then the message ("Length-Prefixed-Message"). A unary answer is there with
// the first, and a stream has begun; an answer that ends within one was cut off, no matter what its trailers say. gRPC-Web sends its trailers as
// a last message of their own, and in its form for text all of it in base64 (PROTOCOL-WEB.md).

import { isGrpcWeb, NO_GRPC_STATUS, readGrpcStatus } from '../../../../core/verdict/grpc.ts';
import type { BodyCheck } from './body-checks.ts';
import type { BodyEnd } from './body-end.ts';

const PREFIX_BYTES = 5;
/** The flag of a compressed message. */
const COMPRESSED = 0x01;
/** The flag of gRPC-Web for a message that is the trailers. */
const TRAILERS = 0x80;
/** Trailers beyond this are not read. */
const TRAILERS_BYTES_MAX = 16_384;
const NOTHING = Buffer.alloc(0);

/** How messages are compressed, where the head says so and the client can read it. */
export interface MessageDecoding {
  /** A check of one message; null: there is none, or no time for it. */
  check(): BodyCheck | null;
}

/** `contentType`: of gRPC or gRPC-Web. `decoding` null: a compressed message cannot be read. */
export function grpcMessages(contentType: string, decoding: MessageDecoding | null): GrpcMessages {
  const isText = contentType.startsWith('application/grpc-web-text');
  return new (isText ? Base64Messages : GrpcMessages)(isGrpcWeb(contentType), decoding);
}

/** Reads the messages of an answer as they come. */
export class GrpcMessages implements BodyEnd {
  readonly #web: boolean;
  readonly #decoding: MessageDecoding | null;
  #prefix = 0;
  #flags = 0;
  #length = 0;
  #left = 0;
  #trailers: Buffer = NOTHING;
  /** The first message is whole. */
  begun = false;
  /** Status of gRPC in the trailers of the body; `NO_GRPC_STATUS` without such. */
  grpcStatus = NO_GRPC_STATUS;

  /** A message is compressed in a way that the client cannot read, or that is not given: an error to it ("Compressed-Flag"). */
  isUnreadable = false;
  /** The check of the first message, where it is compressed. */
  #check: BodyCheck | null = null;

  constructor(web: boolean, decoding: MessageDecoding | null) {
    this.#web = web;
    this.#decoding = decoding;
  }

  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#prefix < PREFIX_BYTES) {
        this.#takePrefix(chunk[at++] ?? 0);
      } else {
        const end = Math.min(chunk.length, at + this.#left);
        if (this.#isTrailers) this.#keep(chunk.subarray(at, end));
        else this.#check?.take(chunk.subarray(at, end));
        this.#left -= end - at;
        at = end;
      }
      if (this.#prefix === PREFIX_BYTES && this.#left === 0) this.#endMessage();
    }
  }

  get truncated(): boolean {
    return this.#prefix > 0;
  }

  /** There were only the trailers of gRPC-Web. */
  get isHollow(): boolean {
    return !this.begun;
  }

  get #isCompressed(): boolean {
    return (this.#flags & COMPRESSED) !== 0;
  }

  get #isTrailers(): boolean {
    return this.#web && (this.#flags & TRAILERS) !== 0;
  }

  #takePrefix(byte: number): void {
    if (this.#prefix === 0) {
      this.#flags = byte;
      this.isUnreadable ||= this.#isCompressed && this.#decoding === null;
    } else this.#length = this.#length * 256 + byte;
    this.#prefix++;
    this.#left = this.#length;
    if (this.#prefix === PREFIX_BYTES && this.#isCompressed && !this.begun)
      this.#check = this.#decoding?.check() ?? null;
  }

  #keep(bytes: Buffer): void {
    if (this.#length <= TRAILERS_BYTES_MAX) this.#trailers = Buffer.concat([this.#trailers, bytes]);
  }

  #endMessage(): void {
    if (this.#isTrailers) {
      const value = /^grpc-status:(.*)$/im.exec(this.#trailers.toString('latin1'))?.[1]?.trim();
      if (value !== undefined) this.grpcStatus = readGrpcStatus(value);
      this.#trailers = NOTHING;
    } else this.begun = true;
    if (this.#check?.isBroken() === true) this.isUnreadable = true;
    this.#check = null;
    this.#prefix = 0;
    this.#length = 0;
  }
}

class Base64Messages extends GrpcMessages {
  #rest = '';

  /** Each message may be encoded by itself, so that padding stands between them. */
  override take(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    for (const [part] of text.slice(0, whole).matchAll(/[^=]+=*/g)) super.take(Buffer.from(part, 'base64'));
  }
}
