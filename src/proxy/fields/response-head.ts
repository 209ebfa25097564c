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

/** Which instance answered, and how long it took there and here, ms. */
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
  let fields: string[] = [];
  let named: readonly string[] | null = null;
  let trailer: string | null = null;
  let contentType = '';
  let contentEncoding = '';
  let digests: string[] | null = null;
  let grpcStatus = NO_GRPC_STATUS;
  let declaredFailure = false;
  let unbuffered = false;
  let chunked = false;
  let sized = false;
  let unknownCoding = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    switch (RESPONSE_FIELDS.kindOf(name)) {
      case FieldKind.ordinary:
        fields.push(name, value);
        break;
      case FieldKind.contentType:
        contentType = value;
        fields.push(name, value);
        break;
      case FieldKind.contentEncoding:
        contentEncoding = value;
        fields.push(name, value);
        break;
      case FieldKind.grpcStatus:
        grpcStatus = readGrpcStatus(value);
        fields.push(name, value);
        break;
      case FieldKind.digest:
        digests = [...(digests ?? []), name, value];
        fields.push(name, value);
        break;
      case FieldKind.accelBuffering:
        unbuffered = value.toLowerCase() === 'no';
        fields.push(name, value);
        break;
      case FieldKind.verdict:
        declaredFailure ||= isFailureVerdict(value);
        break;
      case FieldKind.setCookie:
        // Cookies ignore ports: an instance could end the session of the admin port, or begin another.
        if (!SETS_SESSION.test(value)) fields.push(name, value);
        break;
      case FieldKind.contentLength:
        // RFC 9110 section 8.6: neither in a 1xx nor in a 204.
        if (status >= 200 && status !== 204) fields.push(name, value);
        sized = true;
        break;
      case FieldKind.connection:
        named = joinedNames(named, connectionNames(value));
        break;
      case FieldKind.transferEncoding:
        // Chunks within chunks are not taken apart either.
        unknownCoding ||= chunked || value.toLowerCase() !== 'chunked';
        chunked = true;
        break;
      case FieldKind.trailer:
        trailer = trailer === null ? value : `${trailer}, ${value}`;
        break;
      default:
        break;
    }
  }
  if (trailer !== null && DIGESTS.test(trailer)) digests ??= [];
  if (named !== null && named.length > 0) fields = withoutFields(fields, named);
  // Trailers need chunks to follow; to an HTTP/1.0 client there are none.
  if (trailer !== null && chunked && trailersAllowed) fields.push('Trailer', trailer);
  const { isEventStream, isStream, isOfGrpc } = contentOf(contentType);
  return {
    fields,
    contentType,
    contentEncoding,
    digests,
    eventStream: isEventStream,
    stream: isStream || (unbuffered && !sized),
    grpc: isOfGrpc,
    grpcStatus,
    declaredFailure,
    unknownCoding,
  };
}

/** RFC 9530 section 4: they may come in trailers. */
const DIGESTS = /(?:content|repr)-digest/i;
const EVENT_STREAM = /^text\/event-stream/i;

/** By the type that the head names. */
const contentOf = remembered((contentType) => ({
  isEventStream: EVENT_STREAM.test(contentType),
  isStream: isStreamType(contentType),
  isOfGrpc: isGrpc(contentType),
}));

const SETS_SESSION = new RegExp(`^[\\t ]*${SESSION_COOKIE}[\\t ]*(?:=|;|$)`);

/** About what one takes. */
const STATUS_LINE_BYTES = 32;

/** About what a head takes on the wire: behind each name come a colon and a space, behind each value the line's end. */
export function headBytes(raw: RawFields): number {
  let bytes = STATUS_LINE_BYTES;
  for (const text of raw) bytes += text.length + 2;
  return bytes;
}
