// What was seen of an attempt so far, as the verdict wants it. One an attempt, filled in as the answer comes.

import {
  GRPC_OK,
  GRPC_UNKNOWN,
  isGrpc,
  isGrpcWeb,
  NO_GRPC_STATUS,
  readGrpcStatus,
} from '../../../core/verdict/grpc.ts';
import { type AttemptEnding, type EndedBy, isFailureVerdict } from '../../../core/verdict/verdict.ts';
import { FieldKind, fieldValue, hasField, type RawFields, RESPONSE_FIELDS } from '../../fields/fields.ts';
import type { ResponseHead } from '../../fields/response-head.ts';
import type { ClientRequest } from '../client/message.ts';
import { type BodyEnd, bodyEndOf } from './body-end.ts';
import { type GrpcMessages, grpcMessages } from './grpc-messages.ts';

export class SeenAnswer implements AttemptEnding {
  by: EndedBy = 'answer';
  status = 0;
  grpcStatus = NO_GRPC_STATUS;
  bodyBytes = 0;
  bodyExpected = true;
  truncated = false;
  declaredFailure = false;
  inTime = true;
  attemptInTime = true;
  expired = false;
  stalled = false;
  /** Of a call of gRPC that was answered 200. */
  protected messages: GrpcMessages | null = null;
  #end: BodyEnd | null = null;
  /** A status of gRPC is still to come, in the trailers. */
  #awaitsGrpcStatus = false;

  takeHead(status: number, head: ResponseHead, request: ClientRequest): void {
    this.status = status;
    this.bodyExpected = request.method !== 'HEAD' && (status !== 304 || !isConditional(request));
    // A part of a body need not hold the end of it.
    if (this.bodyExpected && status !== 206) this.#end = bodyEndOf(head.contentType, head.contentEncoding);
    const speaksGrpc = head.grpc || isGrpcWeb(head.contentType);
    if (speaksGrpc && status === 200 && head.contentEncoding === '') {
      this.messages = grpcMessages(head.contentType);
      this.#end = this.messages;
    }
    this.declaredFailure = head.declaredFailure;
    this.grpcStatus = head.grpcStatus;
    if (status !== 200) {
      // A call succeeds with 200 alone.
      if (head.grpcStatus === GRPC_OK) this.grpcStatus = NO_GRPC_STATUS;
    } else if (head.grpcStatus === NO_GRPC_STATUS) {
      this.#awaitsGrpcStatus = speaksGrpc;
      if (speaksGrpc) this.grpcStatus = GRPC_OK;
      // A client of gRPC makes nothing of any other answer.
      else if (isGrpcCall(request)) this.grpcStatus = GRPC_UNKNOWN;
    }
  }

  takeBody(chunk: Buffer): void {
    this.bodyBytes += chunk.length;
    this.#end?.take(chunk);
  }

  /** The answer is whole, as far as its framing goes. */
  takeEnd(trailers: RawFields): void {
    this.truncated = this.#end?.truncated === true;
    this.#takeGrpcStatus(this.messages?.grpcStatus ?? NO_GRPC_STATUS);
    for (let i = 0; i + 1 < trailers.length; i += 2) {
      const kind = RESPONSE_FIELDS.kindOf(trailers[i] ?? '');
      if (kind === FieldKind.grpcStatus) {
        this.#takeGrpcStatus(readGrpcStatus(trailers[i + 1] ?? ''));
      } else if (kind === FieldKind.verdict) {
        this.declaredFailure ||= isFailureVerdict(trailers[i + 1] ?? '');
      }
    }
    // Without a status a client takes the call for failed, however whole its answer looks.
    if (this.#awaitsGrpcStatus) this.grpcStatus = GRPC_UNKNOWN;
  }

  #takeGrpcStatus(status: number): void {
    if (status === NO_GRPC_STATUS) return;
    this.grpcStatus = status;
    this.#awaitsGrpcStatus = false;
  }
}

/** A client that has nothing kept is not helped by the word that it is current (RFC 9110 section 15.4.5). */
function isConditional({ rawHeaders }: ClientRequest): boolean {
  return hasField(rawHeaders, 'if-none-match') || hasField(rawHeaders, 'if-modified-since');
}

/** gRPC is HTTP/2 with POST: other requests are not searched for a field. */
function isGrpcCall({ httpVersion, method, rawHeaders }: ClientRequest): boolean {
  return httpVersion === '2' && method === 'POST' && isGrpc(fieldValue(rawHeaders, 'content-type') ?? '');
}
