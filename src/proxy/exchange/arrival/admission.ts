// Everything that is refused before a byte of a body is read: what is malformed or too long, what went in a circle, what
// there is no room for, and, where a service asks for it, what no instance could answer in time.

import { ProxyError, type ProxyErrorCode } from '../../../errors.ts';
import { type RequestHead, readRequestHead } from '../../fields/request-head.ts';
import type { ServiceRuntime } from '../../service.ts';
import type { ClientRequest } from '../client/message.ts';
import type { ProxyContext } from '../context.ts';
import { serviceFull } from '../exchange-errors.ts';

/** Written as the parsers write them: `2.0` would be a line of HTTP/1 that claims to be more. */
const VERSIONS: ReadonlySet<string> = new Set(['1.0', '1.1', '2']);

/** An absolute URL with neither a path nor a query, which OPTIONS means the server as a whole by (RFC 9112 section 3.2.4). */
const WHOLE_SERVER = /^https?:\/\/[^/?]+$/i;

/** Throws `ProxyError` for a request that must go no further. */
export function admitHead(request: ClientRequest, context: ProxyContext): RequestHead {
  const { config, requestFields, viaName, refusing } = context;
  const { url = '/', httpVersion, method } = request;
  if (!VERSIONS.has(httpVersion)) throw refused('bad-request', `HTTP/${httpVersion} is not supported`);
  if (url.length > config.urlBytesMax) {
    throw refused('uri-too-long', `a target of ${url.length} bytes is over the limit of ${config.urlBytesMax}`);
  }
  const head = readRequestHead(request, url, requestFields);
  // RFC 9112 section 6.1: the framing is faulty, and its writer reads it differently.
  if (head.chunked && httpVersion === '1.0') throw refused('bad-request', 'chunks are unknown to HTTP/1.0');
  if (method === 'OPTIONS' && WHOLE_SERVER.test(url)) head.target = '*';
  else if (head.target === '*' && method !== 'OPTIONS') throw refused('bad-request', 'only OPTIONS may ask for "*"');
  if (refusing) throw new ProxyError('draining', 'this proxy is about to stop', { source: 'internal' });
  if (head.via !== null && namesProxy(head.via, viaName)) {
    throw refused('loop', `the request has passed ${viaName} before`);
  }
  return head;
}

/** Throws `ProxyError` when the service has no room for another request, and no request would make way for it. */
export function assertRoom(service: ServiceRuntime, nowMs: number): void {
  const { inFlight, config, slowClients } = service;
  if (inFlight < config.limits.inFlightMax || slowClients.couldMakeRoom(nowMs)) return;
  throw serviceFull(inFlight);
}

/** Throws `ProxyError` when the service asks for it and has no instance that could make the budget. */
export function assertFeasible(service: ServiceRuntime, budgetMs: number, nowMs: number): void {
  const { infeasible, admission } = service.config;
  const refuses = infeasible === 'refuse' || admission === 'refuse';
  if (!refuses || service.feasibility.within(budgetMs, nowMs)) return;
  throw new ProxyError('deadline-unreachable', `no instance can answer within ${budgetMs} ms`, { source: 'internal' });
}

/** `via`: one or more of `protocol received-by [comment]`, comma-separated (RFC 9110 section 7.6.3). */
function namesProxy(via: string, name: string): boolean {
  return via.split(',').some((hop) => hop.trim().split(/\s+/)[1]?.toLowerCase() === name.toLowerCase());
}

function refused(code: ProxyErrorCode, message: string): ProxyError {
  return new ProxyError(code, message, { source: 'downstream' });
}
