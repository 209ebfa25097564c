// What was seen of an attempt so far, as the verdict wants it. One an attempt, filled in as the answer comes.

import { NO_HANDLE } from '../../../core/domain.ts';
import {
  GRPC_INTERNAL,
  GRPC_OK,
  GRPC_UNKNOWN,
  isGrpcWeb,
  NO_GRPC_STATUS,
  readGrpcStatus,
} from '../../../core/verdict/grpc.ts';
import type { Misfit } from '../../../core/verdict/table.ts';
import { type AttemptEnding, type EndedBy, isFailureVerdict } from '../../../core/verdict/verdict.ts';
import { FieldKind, fieldValue, hasField, listValue, type RawFields, RESPONSE_FIELDS } from '../../fields/fields.ts';
import type { ResponseHead } from '../../fields/response-head.ts';
import type { ClientRequest } from '../client/message.ts';
import { type ContentCheck, contentCheck, type DigestCheck, digestCheck } from './body/body-checks.ts';
import { type BodyEnd, bodyEndOf, isMessageType } from './body/body-end.ts';
import { EventStream, type StreamEnds } from './body/event-stream.ts';
import { type GrpcMessages, grpcMessages, type MessageDecoding } from './body/grpc-messages.ts';
import { LineStream } from './body/line-stream.ts';
import { PictureStream } from './body/picture-stream.ts';
import { misfitOf, namesPages, readPart } from './misfit.ts';
import type { AttemptOwner } from './owner.ts';
import type { Beginning } from './stream-pace.ts';

/** What it needs of the exchange that it answers. */
type Asked = Pick<AttemptOwner, 'request' | 'service' | 'candidate' | 'upgrades'>;

export class SeenAnswer implements AttemptEnding {
  by: EndedBy = 'answer';
  status = 0;
  grpcStatus = NO_GRPC_STATUS;
  bodyBytes = 0;
  bodyExpected = true;
  truncated = false;
  misfit: Misfit | null = null;
  declaredFailure = false;
  inTime = true;
  attemptInTime = true;
  expired = false;
  stalled = false;
  /** The messages of a call of gRPC that was answered 200. */
  protected messages: GrpcMessages | null = null;
  #end: BodyEnd | null = null;
  #streamEnds: StreamEnds | null = null;
  #content: ContentCheck | null = null;
  #digest: DigestCheck | null = null;
  /** Length of the part that the head announces; -1: of none. */
  #partBytes = -1;
  /** A status of gRPC is still to come, in the trailers. */
  #awaitsGrpcStatus = false;
  /** One came in the head. */
  #hasGrpcHead = false;

  takeHead(status: number, head: ResponseHead, asked: Asked): void {
    const { request } = asked;
    this.status = status;
    this.bodyExpected = request.method !== 'HEAD' && (status !== 304 || !isConditional(request));
    this.misfit = misfitOf(status, head, request);
    // A client that wants to switch protocols has no use for another success.
    if (asked.upgrades && status >= 200 && status < 300) this.misfit = 'mismatched';
    if (this.bodyExpected) this.#expectBody(head, asked);
    if (isMessageType(head.contentType) && asked.service.rules.bodyBytesMin === 0) this.bodyExpected = false;
    this.declaredFailure = head.declaredFailure;
    this.#takeGrpcHead(head, asked);
  }

  /** A 101. `isAccepted`: its client can use the connection. */
  takeHandshake(isAccepted: boolean): void {
    this.status = 101;
    this.bodyExpected = false;
    if (!isAccepted) this.misfit = 'mismatched';
  }

  takeBody(chunk: Buffer): void {
    this.bodyBytes += chunk.length;
    this.#end?.take(chunk);
    this.#content?.take(chunk);
    this.#digest?.take(chunk);
  }

  /** The answer is whole, as far as its framing goes. */
  takeEnd(trailers: RawFields): void {
    // What may stand behind a compressed body hides the marks of its end.
    this.truncated = this.#content?.isBroken() ?? this.#end?.truncated === true;
    if (this.#end?.isForeign === true || this.#content?.odd === 'foreign') this.misfit ??= 'unacceptable';
    if (this.#content?.odd === 'error') this.misfit ??= 'problem';
    if (this.#partBytes >= 0 && this.#partBytes !== this.bodyBytes) this.misfit ??= 'mismatched';
    this.#digest?.takeTrailers(trailers);
    if (this.#digest?.isBroken() === true) this.misfit ??= 'corrupt';
    if (this.#end?.isUnfinished === true || this.#lacksEnd()) this.misfit ??= 'unfinished';
    this.#takeGrpcStatus(this.messages?.grpcStatus ?? NO_GRPC_STATUS);
    if (this.messages?.isUnreadable === true) this.#takeGrpcStatus(GRPC_INTERNAL);
    for (let i = 0; i + 1 < trailers.length; i += 2) {
      const kind = RESPONSE_FIELDS.kindOf(trailers[i] ?? '');
      if (kind === FieldKind.grpcStatus) {
        this.#takeGrpcStatus(readGrpcStatus(trailers[i + 1] ?? ''));
      } else if (kind === FieldKind.verdict) {
        this.declaredFailure ||= isFailureVerdict(trailers[i + 1] ?? '');
      }
    }
    // A client takes a call without a status for failed, however whole its answer looks.
    if (this.#awaitsGrpcStatus && (this.bodyBytes > 0 || !this.#hasGrpcHead)) this.grpcStatus = GRPC_UNKNOWN;
    if (this.#end?.isHollow === true || this.#content?.isHollow === true) this.bodyBytes = 0;
  }

  /** What says that a stream has begun; null: its first byte. */
  protected get beginning(): Beginning | null {
    const end = this.#end;
    return this.messages ?? (end instanceof EventStream || end instanceof PictureStream ? end : null);
  }

  #lacksEnd(): boolean {
    const end = this.#end;
    const isMarked = end instanceof EventStream || end instanceof LineStream;
    return isMarked && this.#streamEnds?.lacksEnd(end) === true;
  }

  #expectBody(head: ResponseHead, { request, service, candidate }: Asked): void {
    const { contentEncoding, digests, stream } = head;
    if (this.status === 206) {
      // A part of a body need not hold the end of it.
      this.#partBytes = readPart(head.fields)?.bytes ?? -1;
      return;
    }
    const handle = candidate?.handle ?? NO_HANDLE;
    // Browsers take what has no type for a page where it begins as one.
    const takesPage = head.contentType === '' && namesPages(listValue(request.rawHeaders, 'accept'));
    const contentType = takesPage ? 'text/html' : head.contentType;
    this.#end = bodyEndOf(contentType, contentEncoding);
    this.#streamEnds = service.streamEnds;
    // Nothing is kept of a stream, which may last for hours.
    const mayBeUsed = contentEncoding !== '' || this.status < 300;
    if (!stream && mayBeUsed)
      this.#content = contentCheck({ contentType, contentEncoding }, service.checkBudget, handle);
    if (digests !== null && this.status === 200) this.#digest = digestCheck(digests, service.checkBudget, handle);
  }

  #takeGrpcHead(head: ResponseHead, asked: Asked): void {
    const { status } = this;
    const { request } = asked;
    const speaksGrpc = head.grpc || isGrpcWeb(head.contentType);
    this.grpcStatus = head.grpcStatus;
    // A call succeeds with 200 alone, and a client of gRPC makes nothing of an answer of another type.
    if (status !== 200 || !speaksGrpc) {
      if (head.grpcStatus === GRPC_OK) this.grpcStatus = NO_GRPC_STATUS;
      if (this.grpcStatus === NO_GRPC_STATUS && status >= 200 && status < 300 && isGrpcCall(request)) {
        this.grpcStatus = GRPC_UNKNOWN;
      }
      return;
    }
    if (head.contentEncoding === '') {
      this.messages = grpcMessages(head.contentType, decodingOf(head, asked));
      this.#end = this.messages;
    }
    this.#hasGrpcHead = head.grpcStatus !== NO_GRPC_STATUS;
    if (!this.#hasGrpcHead) this.grpcStatus = GRPC_OK;
    // A status in the head is that of an answer without a body; clients of gRPC-Web take it from there in any case.
    this.#awaitsGrpcStatus = head.grpc || !this.#hasGrpcHead;
  }

  /** The first that is no success stands. */
  #takeGrpcStatus(status: number): void {
    if (status === NO_GRPC_STATUS) return;
    if (this.grpcStatus <= GRPC_OK) this.grpcStatus = status;
    this.#awaitsGrpcStatus = false;
  }
}

/** Null: a client does not read it ("Message-Encoding"), or nothing is said of it. */
function decodingOf({ fields }: ResponseHead, { request, service, candidate }: Asked): MessageDecoding | null {
  const contentEncoding = fieldValue(fields, 'grpc-encoding')?.toLowerCase() ?? 'identity';
  const accepted = listValue(request.rawHeaders, 'grpc-accept-encoding')?.toLowerCase();
  // A client that lists none may read what it speaks.
  const isRead = accepted === undefined || accepted.split(',').some((one) => one.trim() === contentEncoding);
  if (contentEncoding === 'identity' || !isRead) return null;
  const form = { contentType: '', contentEncoding };
  return { check: () => contentCheck(form, service.checkBudget, candidate?.handle ?? NO_HANDLE) };
}

/** A client that has nothing kept is not helped by the word that it is current (RFC 9110 section 15.4.5). */
function isConditional({ rawHeaders }: ClientRequest): boolean {
  return hasField(rawHeaders, 'if-none-match') || hasField(rawHeaders, 'if-modified-since');
}

/** It is a POST: other requests are not searched for a field. */
function isGrpcCall({ method, rawHeaders }: ClientRequest): boolean {
  return method === 'POST' && (fieldValue(rawHeaders, 'content-type') ?? '').startsWith('application/grpc');
}
