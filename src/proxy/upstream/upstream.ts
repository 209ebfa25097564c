// The seam between an exchange and the way its request travels: each transport sends one attempt and calls its handler with what
// comes back. A transport owns its connections; the handler owns everything else.

import type { Socket } from 'node:net';
import { UNRESOLVED } from '../../net/address-book.ts';
import { isExhaustion } from '../../net/exhaustion.ts';
import type { RawFields } from '../fields/fields.ts';

/** One attempt as it goes over the wire. */
export interface UpstreamRequest {
  readonly method: string;
  readonly target: string;
  /** Raw fields (name, value, …), Host included, framing left to the transport. */
  readonly fields: string[];
}

/** A longer piece of an answer is its receiver's own. */
export const BORROWED_BYTES_MAX = 4096;

/** Called in this order: connected?, information*, head, data*, then end or error; an error may come at any time and is the last. */
export interface UpstreamHandler {
  /** There was no connection at hand; now there is one, and the request leaves. */
  onConnected(): void;
  /** 1xx, never 101. */
  onInformation(status: number, fields: RawFields): void;
  onHead(status: number, reason: string, fields: RawFields): void;
  /** 101: the connection is the handler's from now on. `first`: what came behind the head. Nothing follows. */
  onUpgrade(fields: RawFields, socket: Socket, first: Buffer): void;
  /**
   * Up to `BORROWED_BYTES_MAX` it is only to be read during the call: it may be a view of what is read into again. `lent`: so it is
   * with more, but stays as it is while the call is paused.
   */
  onData(chunk: Buffer, lent?: boolean): void;
  onEnd(trailers: RawFields): void;
  onError(error: UpstreamError): void;
}

/** How a request is framed beside its fields; null where it has no such field. */
export interface StreamFraming {
  /** Null: chunked when there is a body, none otherwise. */
  readonly contentLength: number | null;
  readonly trailer: string | null;
  readonly expect: string | null;
  /** Protocol to switch to; null for an ordinary request. */
  readonly upgrade: string | null;
}

/** Where the body of a request goes: written to until it says that it is full, and asked to go on by `drained`. */
export interface BodySink {
  /** False: full for now. */
  write(chunk: Buffer): boolean;
  end(trailers: readonly string[]): void;
}

/** The body of a request, as a transport reads it. */
export interface OutgoingBody {
  /** All of it, null while it is not all here. */
  readonly whole: Buffer | null;
  readonly ended: boolean;
  readonly trailers: readonly string[];
  /** Streams to `sink` from the first byte on. */
  attach(sink: BodySink): void;
  /** The sink takes more. */
  drained(): void;
  /** Nothing more goes to the sink. */
  detach(): void;
}

/** An attempt as it is sent. */
export interface Transmission {
  readonly request: UpstreamRequest;
  readonly framing: StreamFraming;
  /** Null: the request has none. */
  readonly body: OutgoingBody | null;
  /** An earlier attempt failed; one that was set aside did not. A new connection is opened: idle ones are not trusted. */
  readonly again: boolean;
}

/** An attempt in flight. */
export interface UpstreamCall {
  /** Stops `onData` until `resume`; chunks that were read already may still come. */
  pause(): void;
  resume(): void;
  /** Ends the attempt and, where it has one of its own, its connection; the handler hears nothing more. `late`: nothing came in time. */
  abort(late?: boolean): void;
}

/** How far a failed attempt may have got. */
export type SendProgress =
  /** Nothing left this machine, and that is its own fault: no file descriptor, no port, no address for a name. */
  | 'own'
  /** Refused, or closed before a byte was written: the application surely knows nothing of it. */
  | 'not-sent'
  /** Sent, and the instance says that it did not look at it (RFC 9113 section 8.7). */
  | 'unprocessed'
  /** Some of it was written and nothing came back: the application may have acted. */
  | 'sent'
  /** A response head was seen. */
  | 'answered';

/** Why an attempt ended without a whole answer. */
export interface UpstreamError {
  readonly code: 'upstream-connect' | 'upstream-reset' | 'upstream-protocol' | 'overloaded';
  readonly progress: SendProgress;
  readonly cause: Error;
}

/** `sent`: something was written; `answered`: a response head was seen. */
export function upstreamError(cause: Error, sent: boolean, answered: boolean): UpstreamError {
  if (!sent) return notSent(cause);
  const code = isProtocolError(cause) ? 'upstream-protocol' : 'upstream-reset';
  return { code, progress: answered || code === 'upstream-protocol' ? 'answered' : 'sent', cause };
}

function notSent(cause: Error): UpstreamError {
  if (isExhaustion(cause)) return { code: 'overloaded', progress: 'own', cause };
  const unresolved = (cause as { readonly code?: unknown }).code === UNRESOLVED;
  return { code: 'upstream-connect', progress: unresolved ? 'own' : 'not-sent', cause };
}

/** The complaints of llhttp, of node:http, and of our own parser. */
function isProtocolError(cause: Error & { readonly code?: unknown }): boolean {
  const code = String(cause.code);
  return code.startsWith('HPE_') || PROTOCOL_CODES.has(code);
}

const PROTOCOL_CODES: ReadonlySet<string> = new Set([
  'ERR_MALFORMED_RESPONSE',
  'ERR_INVALID_CHAR',
  'ERR_HTTP_INVALID_STATUS_CODE',
]);

/** Describes an error for the client's problem details: printable ASCII, with the system's code where there is one. */
export function describeError(error: UpstreamError): string {
  const code = (error.cause as { readonly code?: unknown }).code;
  const { message } = error.cause;
  const why = typeof code === 'string' && !message.includes(code) ? `${message} (${code})` : message;
  return why.replaceAll(/[^\x20-\x7e]/g, '?');
}
