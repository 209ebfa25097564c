// What goes back to the client before the body: the instance's own fields less those meant for one hop, and ours.

import { SESSION_COOKIE } from '../../config/session-cookie.ts';
import { isGrpc, NO_GRPC_STATUS, readGrpcStatus } from '../../core/verdict/grpc.ts';
import { isStreamType } from '../../core/verdict/measure.ts';
import { isFailureVerdict } from '../../core/verdict/verdict.ts';
import { connectionNames, FieldKind, joinedNames, type RawFields, RESPONSE_FIELDS, withoutFields } from './fields.ts';
import { remembered } from './remembered.ts';

/** What was read of an answer before its body. */
export interface ResponseHead {
  /** Owned by the caller, to be added to. */
  readonly fields: string[];
  /** Server-sent events: the next one may be long in coming. */
  readonly eventStream: boolean;
  /** As they came; empty without one. */
  readonly contentType: string;
  readonly contentEncoding: string;
  /** Content-Digest, Repr-Digest, Content-MD5: names and values as they came; empty where the trailers are to have one, null without any. */
  readonly digests: string[] | null;
  /** Its body is a stream as far as its fields say. */
  readonly stream: boolean;
  readonly grpc: boolean;
  /** `NO_GRPC_STATUS` where it has none; the trailers may. */
  readonly grpcStatus: number;
  /** The instance says that its answer is bad. */
  readonly declaredFailure: boolean;
  /** A transfer coding that was not asked for: the body could not be passed on as what it is. */
  readonly unknownCoding: boolean;
}

/** The instance that answered, and how long it took there and here, ms. */
export interface AnswerFacts {
  readonly instance: string;
  readonly ownMs: number;
  readonly upstreamMs: number;
}

/** Appends `Via` and, from `facts`, the instance and the times in ms. `facts` null: `proxy.response_headers` is off. */
export function addOwnFields(fields: string[], viaName: string, facts: AnswerFacts | null): void {
  fields.push('Via', `1.1 ${viaName}`);
  if (facts === null) return;
  const { instance, ownMs, upstreamMs } = facts;
  fields.push('X-QEdge-Instance', instance);
  fields.push('Server-Timing', `qedge;dur=${hundredths(ownMs)}, upstream;dur=${hundredths(upstreamMs)}`);
}

/** Like toFixed(2), by whole numbers: several times as fast. Below zero it is zero. */
function hundredths(ms: number): string {
  const total = ms > 0 ? Math.round(ms * 100) : 0;
  const rest = total % 100;
  const whole = (total - rest) / 100;
  return rest < 10 ? `${whole}.0${rest}` : `${whole}.${rest}`;
}

/** `trailersAllowed`: the client speaks HTTP/1.1 and the answer may have a body. */
export function readResponseHead(status: number, raw: RawFields, trailersAllowed: boolean): ResponseHead {
  const fields: string[] = [];
  const notes = new Notes(status);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    const kind = RESPONSE_FIELDS.kindOf(name);
    if (kind === FieldKind.ordinary || notes.take(kind, name, value)) fields.push(name, value);
  }
  const { named, trailer, contentType, contentEncoding, grpcStatus, declaredFailure, unknownCoding } = notes;
  const passed = named === null ? fields : withoutFields(fields, named);
  // Trailers need chunks to follow; to an HTTP/1.0 client there are none.
  if (trailer !== null && notes.chunked && trailersAllowed) passed.push('Trailer', trailer);
  const { isEventStream, isStream, isOfGrpc } = contentOf(contentType);
  return {
    fields: passed,
    contentType,
    contentEncoding,
    digests: trailer !== null && DIGESTS.test(trailer) ? (notes.digests ?? []) : notes.digests,
    eventStream: isEventStream,
    stream: isStream || (notes.unbuffered && !notes.sized),
    grpc: isOfGrpc,
    grpcStatus,
    declaredFailure,
    unknownCoding,
  };
}

/** What the fields of one head say that mean something here. */
class Notes {
  named: readonly string[] | null = null;
  trailer: string | null = null;
  contentType = '';
  contentEncoding = '';
  digests: string[] | null = null;
  grpcStatus = NO_GRPC_STATUS;
  declaredFailure = false;
  unbuffered = false;
  chunked = false;
  sized = false;
  unknownCoding = false;
  readonly #status: number;

  constructor(status: number) {
    this.#status = status;
  }

  /** Takes note of one field, of a kind other than `ordinary`. True: the client gets it. */
  take(kind: number, name: string, value: string): boolean {
    switch (kind) {
      case FieldKind.contentType:
        this.contentType = value;
        return true;
      case FieldKind.contentEncoding:
        this.contentEncoding = value;
        return true;
      case FieldKind.grpcStatus:
        this.grpcStatus = readGrpcStatus(value);
        return true;
      case FieldKind.digest:
        this.digests = [...(this.digests ?? []), name, value];
        return true;
      case FieldKind.accelBuffering:
        this.unbuffered = value.toLowerCase() === 'no';
        return true;
      case FieldKind.setCookie:
        // Cookies ignore ports: an instance could end the session of the admin port, or begin another.
        return !SETS_SESSION.test(value);
      case FieldKind.contentLength:
        this.sized = true;
        // RFC 9110 section 8.6: neither in a 1xx nor in a 204.
        return this.#status >= 200 && this.#status !== 204;
      case FieldKind.verdict:
        this.declaredFailure ||= isFailureVerdict(value);
        return false;
      case FieldKind.connection:
        this.named = joinedNames(this.named, connectionNames(value));
        return false;
      case FieldKind.transferEncoding:
        // Chunks within chunks are not taken apart either.
        this.unknownCoding ||= this.chunked || value.toLowerCase() !== 'chunked';
        this.chunked = true;
        return false;
      case FieldKind.trailer:
        this.trailer = this.trailer === null ? value : `${this.trailer}, ${value}`;
        return false;
      default:
        return false;
    }
  }
}

/** RFC 9530 section 4: they may come in trailers. */
const DIGESTS = /(?:content|repr)-digest/i;
const EVENT_STREAM = /^text\/event-stream/i;

/** What the type that the head names says of the body. */
const contentOf = remembered((contentType) => ({
  isEventStream: EVENT_STREAM.test(contentType),
  isStream: isStreamType(contentType),
  isOfGrpc: isGrpc(contentType),
}));

const SETS_SESSION = new RegExp(`^[\\t ]*${SESSION_COOKIE}[\\t ]*(?:=|;|$)`);

/** About what a status line takes. */
const STATUS_LINE_BYTES = 32;

/** About what a head takes on the wire: behind each name come a colon and a space, behind each value the line's end. */
export function headBytes(raw: RawFields): number {
  let bytes = STATUS_LINE_BYTES;
  for (const text of raw) bytes += text.length + 2;
  return bytes;
}
