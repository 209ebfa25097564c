// What a request says before its body, read in one pass over the raw fields: where it wants to go, what sent it, how it is
// framed, and the fields that go on to the instance untouched.

import { SESSION_COOKIE } from '../../config/session-cookie.ts';
import { readGrpcTimeout } from '../../core/verdict/grpc.ts';
import { ProxyError } from '../../errors.ts';
import { isAuthority } from './authority.ts';
import { readDigits } from './field-lines.ts';
import { connectionNames, FieldKind, type FieldTable, joinedNames, withoutFields } from './fields.ts';

/** What was read of a request before its body. */
export class RequestHead {
  /** Origin-form, asterisk-form, or what an absolute-form target holds behind its authority; byte for byte. */
  target = '/';
  /** Authority that the request is for, null where HTTP/1.0 gave none. */
  host: string | null = null;
  /** End-to-end fields as they came (name, value, …), less Host, framing and what this proxy sets itself. */
  fields: string[] = [];
  /** Null: no Content-Length. */
  contentLength: number | null = null;
  chunked = false;
  /** Its Trailer field, when it announces trailers. */
  trailer: string | null = null;
  expect: string | null = null;
  upgrade: string | null = null;
  service: string | null = null;
  client: string | null = null;
  requestId: string | null = null;
  /** Budget that came with it, ms; null when none did. */
  deadlineMs: number | null = null;
  /** An X-QEdge-Deadline-Ms that is none, as it came; it goes no further. */
  unreadDeadline: string | null = null;
  /** It came with a deadline in the form of gRPC, and goes on with what is left of it. */
  hasGrpcTimeout = false;
  /** What it carries along for others, where a deadline may be among it; it is not among `fields`. */
  baggage: string | null = null;
  /** The chain and the run that it says to be a stage of. */
  chain: string | null = null;
  via: string | null = null;
  forwarded: string | null = null;
  forwardedFor: string | null = null;
  forwardedHost: string | null = null;
  forwardedProto: string | null = null;
  /** Fields (name, value, …) to be passed on for trusted peers only. */
  claims: string[] = [];
  maxForwards: string | null = null;

  get hasBody(): boolean {
    return this.chunked || (this.contentLength !== null && this.contentLength > 0);
  }
}

/** A request as its parser leaves it. */
export interface HeadSource {
  /** Name, value, name, value, … as they came. */
  readonly rawHeaders: readonly string[];
  /** A Host field is required of `1.1`. */
  readonly httpVersion: string;
}

/** Throws `ProxyError` `bad-request` for what must not be forwarded. */
export function readRequestHead(
  { rawHeaders, httpVersion }: HeadSource,
  target: string,
  table: FieldTable,
): RequestHead {
  const head = new RequestHead();
  let named: readonly string[] | null = null;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const kind = table.kindOf(name);
    if (kind === FieldKind.ordinary) head.fields.push(name, value);
    else if (kind === FieldKind.connection) named = joinedNames(named, connectionNames(value));
    else takeField(head, kind, name, value);
  }
  if (named !== null && named.length > 0) dropNamed(head, named);
  if (head.host === null && httpVersion === '1.1') throw badRequest('no Host field');
  takeTarget(head, target);
  return head;
}

function takeField(head: RequestHead, kind: number, name: string, value: string): void {
  switch (kind) {
    case FieldKind.host:
      // RFC 9112 section 3.2: more than one Host field, or an invalid one, is answered 400.
      if (head.host !== null) throw badRequest('more than one Host field');
      if (value !== '' && !isAuthority(value)) throw badRequest(`invalid Host ${JSON.stringify(value)}`);
      head.host = value;
      break;
    case FieldKind.contentLength:
      head.contentLength = readContentLength(head.contentLength, value);
      break;
    case FieldKind.transferEncoding:
      // A coding other than chunked would have to be undone to be forwarded; no client may send one unasked.
      if (value.toLowerCase() !== 'chunked' || head.chunked) {
        throw badRequest(`unsupported Transfer-Encoding ${JSON.stringify(value)}`);
      }
      head.chunked = true;
      break;
    case FieldKind.te:
      if (/(?:^|,)\s*trailers\s*(?:,|;|$)/i.test(value)) head.fields.push(name, 'trailers');
      break;
    case FieldKind.expect:
      head.expect = value;
      break;
    case FieldKind.upgrade:
      head.upgrade = joined(head.upgrade, value);
      break;
    case FieldKind.trailer:
      head.trailer = joined(head.trailer, value);
      break;
    case FieldKind.cookie: {
      const cookies = withoutSession(value);
      if (cookies !== '') head.fields.push(name, cookies);
      break;
    }
    case FieldKind.claim:
      head.claims.push(name, value);
      break;
    case FieldKind.via:
      head.via = joined(head.via, value);
      head.fields.push(name, value);
      break;
    case FieldKind.grpcTimeout:
      takeGrpcTimeout(head, name, value);
      break;
    case FieldKind.requestId:
    case FieldKind.service:
    case FieldKind.client:
    case FieldKind.chain:
      head.fields.push(name, value);
      takeName(head, kind, value);
      break;
    default:
      takeApart(head, kind, value);
  }
}

/** What it is called, and what it is for: the first of each counts, and all go on. */
function takeName(head: RequestHead, kind: number, value: string): void {
  switch (kind) {
    case FieldKind.requestId:
      head.requestId ??= value;
      break;
    case FieldKind.service:
      head.service ??= value;
      break;
    case FieldKind.client:
      head.client ??= value;
      break;
    default:
      head.chain ??= value;
      break;
  }
}

/** What does not go on as it came: this proxy writes it itself, or it is hop-by-hop and stays here. */
function takeApart(head: RequestHead, kind: number, value: string): void {
  switch (kind) {
    case FieldKind.forwarded:
      head.forwarded = joined(head.forwarded, value);
      break;
    case FieldKind.forwardedFor:
      head.forwardedFor = joined(head.forwardedFor, value);
      break;
    case FieldKind.forwardedHost:
      head.forwardedHost = value;
      break;
    case FieldKind.forwardedProto:
      head.forwardedProto = value;
      break;
    case FieldKind.maxForwards:
      head.maxForwards = joined(head.maxForwards, value);
      break;
    case FieldKind.deadline:
      takeDeadline(head, value);
      break;
    case FieldKind.baggage:
      head.baggage = joined(head.baggage, value);
      break;
    default:
      break;
  }
}

/** Fields that Connection names go no further (RFC 9110 section 7.6.1); those that frame or route the message cannot be named away. */
function dropNamed(head: RequestHead, named: readonly string[]): void {
  const dropped = named.filter((name) => name !== 'te');
  head.fields = withoutFields(head.fields, dropped);
  head.claims = withoutFields(head.claims, dropped);
  if (dropped.includes('baggage')) head.baggage = null;
}

/** RFC 9112 section 3.2.2: an absolute-form target overrides Host, and goes to the origin in origin-form. */
function takeTarget(head: RequestHead, target: string): void {
  // RFC 9112 section 3.2: no form of a target has one.
  if (target.includes('#')) throw badRequest('the target has a fragment');
  if (target.startsWith('/') || target === '*') {
    head.target = target;
    return;
  }
  const absolute = /^https?:\/\/([^/?]+)([/?].*)?$/is.exec(target);
  if (absolute === null || !isAuthority(absolute[1] ?? ''))
    throw badRequest('target is neither a path, "*" nor an absolute URL');
  const rest = absolute[2] ?? '';
  head.host = absolute[1] ?? '';
  head.target = rest.startsWith('/') ? rest : `/${rest}`;
}

function readContentLength(before: number | null, value: string): number {
  const length = readDigits(value);
  if (Number.isNaN(length)) throw badRequest(`invalid Content-Length ${JSON.stringify(value)}`);
  if (before !== null) throw badRequest('more than one Content-Length field');
  return length;
}

/** The session of the admin port is none of an instance's business. */
function withoutSession(cookies: string): string {
  if (!cookies.includes(SESSION_COOKIE)) return cookies;
  const isSession = (cookie: string): boolean => cookie.split('=', 1)[0]?.trim() === SESSION_COOKIE;
  return cookies
    .split(';')
    .filter((cookie) => !isSession(cookie))
    .join(';')
    .trim();
}

/** Four months: nothing longer is read, or passed on. */
export const DEADLINE_MS_MAX = 9_999_999_999;

function takeDeadline(head: RequestHead, value: string): void {
  if (/^\d{1,10}(?:\.\d{1,6})?$/.test(value)) head.deadlineMs = soonest(head.deadlineMs, Number(value));
  else head.unreadDeadline = value;
}

/** A timeout that cannot be read is left for the instance to complain of. */
function takeGrpcTimeout(head: RequestHead, name: string, value: string): void {
  const timeoutMs = readGrpcTimeout(value);
  if (timeoutMs === null) {
    head.fields.push(name, value);
    return;
  }
  head.hasGrpcTimeout = true;
  head.deadlineMs = soonest(head.deadlineMs, timeoutMs);
}

/** The smaller of two deadlines, of which the first may be none. */
export function soonest(one: number | null, other: number): number {
  return one === null ? other : Math.min(one, other);
}

function joined(before: string | null, value: string): string {
  return before === null ? value : `${before}, ${value}`;
}

function badRequest(message: string): ProxyError {
  return new ProxyError('bad-request', message, { source: 'downstream' });
}
