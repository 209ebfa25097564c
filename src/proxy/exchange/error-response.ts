// The only place where a failure becomes a status: qedge's own answers are problem details (RFC 9457) with the code in
// X-QEdge-Error, so that they are not mistaken for an answer of the service.

import {
  GRPC_DEADLINE_EXCEEDED,
  GRPC_INTERNAL,
  GRPC_RESOURCE_EXHAUSTED,
  GRPC_UNAVAILABLE,
  GRPC_UNIMPLEMENTED,
  NO_GRPC_STATUS,
} from '../../core/verdict/grpc.ts';
import type { ProxyError, ProxyErrorCode } from '../../errors.ts';

export interface ErrorAnswer {
  readonly status: number;
  /** The connection ends with this answer. */
  readonly closes: boolean;
  /** The status of gRPC; `NO_GRPC_STATUS` for a request that is none. */
  readonly grpcStatus: number;
  /** Raw fields. */
  readonly fields: string[];
  readonly body: string;
}

interface Mapping {
  readonly status: number;
  readonly title: string;
  /** Seconds for Retry-After; absent: no such field. */
  readonly retryAfterSeconds?: number;
  /** Framing of what follows on the connection cannot be trusted, or the client was cut off. */
  readonly close?: true;
}

const MAPPINGS: Readonly<Record<ProxyErrorCode, Mapping>> = {
  'bad-request': { status: 400, title: 'Bad request', close: true },
  'unknown-service': { status: 404, title: 'Unknown service' },
  'request-timeout': { status: 408, title: 'Request timeout', close: true },
  'body-too-large': { status: 413, title: 'Body too large', close: true },
  'uri-too-long': { status: 414, title: 'Target too long', close: true },
  'headers-too-large': { status: 431, title: 'Header fields too large', close: true },
  'upstream-connect': { status: 502, title: 'Instance not reachable' },
  'upstream-reset': { status: 502, title: 'Instance closed the connection' },
  'upstream-protocol': { status: 502, title: 'Instance broke the protocol' },
  'no-instance': { status: 503, title: 'No instance', retryAfterSeconds: 1 },
  overloaded: { status: 503, title: 'Overloaded', retryAfterSeconds: 1 },
  draining: { status: 503, title: 'Draining', retryAfterSeconds: 1, close: true },
  'deadline-unreachable': { status: 503, title: 'Deadline out of reach', retryAfterSeconds: 1 },
  'upstream-timeout': { status: 504, title: 'Instance did not answer in time' },
  'deadline-exceeded': { status: 504, title: 'Deadline exceeded' },
  loop: { status: 508, title: 'Loop detected' },
  internal: { status: 500, title: 'Internal error' },
};

/** The status that a client gets for a failure of this code. */
export function statusOf(code: ProxyErrorCode): number {
  return MAPPINGS[code].status;
}

/**
 * In the form that the client understands. `contentType`: of the request, which may say so in a head that was refused; empty
 * without one. `requestId`: repeated on the answer, so that a report can be matched with a log; null when it is not known yet.
 */
export function errorAnswer(error: ProxyError, requestId: string | null, contentType: string): ErrorAnswer {
  if (contentType.startsWith('application/grpc')) return grpcErrorAnswer(error, requestId, contentType);
  return problemAnswer(error, requestId);
}

function problemAnswer(error: ProxyError, requestId: string | null): ErrorAnswer {
  const { status, title, retryAfterSeconds, close } = MAPPINGS[error.code];
  const body = `${JSON.stringify({
    type: `urn:qedge:error:${error.code}`,
    title,
    status,
    detail: error.message,
    ...(error.context.service === undefined ? {} : { service: error.context.service }),
    ...(error.context.instance === undefined ? {} : { instance: error.context.instance }),
  })}\n`;
  const fields = ['Content-Type', 'application/problem+json', 'Content-Length', String(Buffer.byteLength(body))];
  fields.push('X-QEdge-Error', error.code);
  if (requestId !== null) fields.push('X-Request-Id', requestId);
  if (retryAfterSeconds !== undefined) fields.push('Retry-After', String(retryAfterSeconds));
  if (close === true) fields.push('Connection', 'close');
  return { status, closes: close === true, grpcStatus: NO_GRPC_STATUS, fields, body };
}

/**
 * The same to a client of gRPC, which looks at no status of HTTP and reads no body: a head with the status of gRPC and a message
 * ("Trailers-Only"). `contentType`: of the request.
 */
function grpcErrorAnswer(error: ProxyError, requestId: string | null, contentType: string): ErrorAnswer {
  const grpcStatus = GRPC_STATUSES[error.code];
  const fields = ['Content-Type', contentType, 'grpc-status', String(grpcStatus)];
  fields.push('grpc-message', percentEncoded(error.message), 'X-QEdge-Error', error.code);
  if (requestId !== null) fields.push('X-Request-Id', requestId);
  const closes = MAPPINGS[error.code].close === true;
  if (closes) fields.push('Connection', 'close');
  return { status: 200, closes, grpcStatus, fields, body: '' };
}

/** As the gRPC specification maps the statuses above ("HTTP to gRPC Status Code Mapping"), where it has no better word. */
const GRPC_STATUSES: Readonly<Record<ProxyErrorCode, number>> = {
  'bad-request': GRPC_INTERNAL,
  'unknown-service': GRPC_UNIMPLEMENTED,
  'request-timeout': GRPC_DEADLINE_EXCEEDED,
  'body-too-large': GRPC_RESOURCE_EXHAUSTED,
  'uri-too-long': GRPC_RESOURCE_EXHAUSTED,
  'headers-too-large': GRPC_RESOURCE_EXHAUSTED,
  'upstream-connect': GRPC_UNAVAILABLE,
  'upstream-reset': GRPC_UNAVAILABLE,
  'upstream-protocol': GRPC_UNAVAILABLE,
  'no-instance': GRPC_UNAVAILABLE,
  overloaded: GRPC_UNAVAILABLE,
  draining: GRPC_UNAVAILABLE,
  'deadline-unreachable': GRPC_DEADLINE_EXCEEDED,
  'upstream-timeout': GRPC_UNAVAILABLE,
  'deadline-exceeded': GRPC_DEADLINE_EXCEEDED,
  loop: GRPC_INTERNAL,
  internal: GRPC_INTERNAL,
};

/** `grpc-message`: UTF-8, all but printable ASCII in percents ("Percent-Byte-Unencoded"). */
function percentEncoded(message: string): string {
  let text = '';
  for (const byte of Buffer.from(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== PERCENT;
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

const PERCENT = 0x25;

/** The whole answer as bytes for a connection that has no request to answer: what came in could not be parsed. */
export function rawErrorAnswer(error: ProxyError): string {
  const { status, fields, body } = problemAnswer(error, null);
  let text = `HTTP/1.1 ${status} ${MAPPINGS[error.code].title}\r\nDate: ${new Date().toUTCString()}\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${text}\r\n${body}`;
}
