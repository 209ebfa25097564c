// The only place where a failure becomes a status: qedge's own answers are problem details (RFC 9457) with the code in
// X-QEdge-Error, so that nobody mistakes them for an answer of the service.

import type { ProxyError, ProxyErrorCode } from '../../errors.ts';

export interface ErrorAnswer {
  readonly status: number;
  /** The connection ends with this answer. */
  readonly closes: boolean;
  /** Raw fields, Content-Length included. */
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

export function statusOf(code: ProxyErrorCode): number {
  return MAPPINGS[code].status;
}

/** `requestId`: repeated on the answer, so that a report can be matched with a log; null when it is not known yet. */
export function errorAnswer(error: ProxyError, requestId: string | null): ErrorAnswer {
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
  return { status, closes: close === true, fields, body };
}

/** The whole answer as bytes for a connection that has no request to answer: what came in could not be parsed. */
export function rawErrorAnswer(error: ProxyError): string {
  const { status, fields, body } = errorAnswer(error, null);
  let text = `HTTP/1.1 ${status} ${MAPPINGS[error.code].title}\r\nDate: ${new Date().toUTCString()}\r\n`;
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${text}\r\n${body}`;
}
