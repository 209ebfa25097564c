// Everything that is refused before a byte of a body is read: what is malformed or too long, what went in a circle, what
// there is no room for, and, where a service asks for it, what no instance could answer in time.

import type { Availability } from '../../core/domain.ts';
import type { InstanceState, ServiceRouter } from '../../core/service-router.ts';
import { ProxyError, type ProxyErrorCode } from '../../errors.ts';
import { type RequestHead, readRequestHead } from '../fields/request-head.ts';
import type { ServiceRuntime } from '../service.ts';
import type { ClientRequest } from './client-message.ts';
import type { ProxyContext } from './context.ts';

/** Written as the parsers write them: `2.0` would be a line of HTTP/1 that claims to be more. */
const VERSIONS: ReadonlySet<string> = new Set(['1.0', '1.1', '2']);

/** An absolute URL with neither a path nor a query, which OPTIONS means the server as a whole by (RFC 9112 section 3.2.4). */
const WHOLE_SERVER = /^https?:\/\/[^/?]+$/i;

/** Throws `ProxyError` for a request that must go no further. */
export function admitHead(request: ClientRequest, context: ProxyContext): RequestHead {
  const { config, requestFields, viaName, refusing } = context;
  const { rawHeaders, url = '/', httpVersion, method } = request;
  if (!VERSIONS.has(httpVersion)) throw refused('bad-request', `HTTP/${httpVersion} is not spoken here`);
  if (url.length > config.urlBytesMax) {
    throw refused('uri-too-long', `a target of ${url.length} bytes is over the limit of ${config.urlBytesMax}`);
  }
  const head = readRequestHead(rawHeaders, url, requestFields, httpVersion === '1.1');
  // RFC 9112 section 6.1: the framing is faulty, and whoever wrote it reads it differently.
  if (head.chunked && httpVersion === '1.0') throw refused('bad-request', 'chunks are unknown to HTTP/1.0');
  if (method === 'OPTIONS' && WHOLE_SERVER.test(url)) head.target = '*';
  else if (head.target === '*' && method !== 'OPTIONS') throw refused('bad-request', 'only OPTIONS may ask for "*"');
  if (refusing) throw new ProxyError('draining', 'this proxy is about to stop', { source: 'internal' });
  if (head.via !== null && namesProxy(head.via, viaName)) {
    throw refused('loop', `the request has passed ${viaName} before`);
  }
  return head;
}

/** Throws `ProxyError` when the service has no room for another request. */
export function assertRoom({ inFlight, config }: ServiceRuntime): void {
  if (inFlight < config.limits.inFlightMax) return;
  throw new ProxyError('overloaded', `${inFlight} requests are in flight already`, { source: 'internal' });
}

/** Throws `ProxyError` when the service asks for it and has no instance that could make the budget. */
export function assertReachable(service: ServiceRuntime, budgetMs: number, nowMs: number): void {
  if (service.config.admission !== 'refuse' || service.reach.within(budgetMs, nowMs)) return;
  throw new ProxyError('deadline-unreachable', `no instance can answer within ${budgetMs} ms`, { source: 'internal' });
}

/** How old the picture of the instances may get, ms: putting it together costs more than a request may. */
const PICTURE_MS_MAX = 250;
/** One request in this time goes through whatever the picture says: without a try nothing new would ever be learned. */
const TRIAL_MS = 1000;
/** Of the mean processing latency, the least to reckon with: with what is seen of inference hardly one answer in twenty is faster. */
const FASTEST_RATIO = 0.5;

/** Whether any instance of a service could answer within a budget, as far as its router knows. */
export class ServiceReach {
  readonly #router: ServiceRouter;
  #leastMs = 0;
  #takenMs = Number.NEGATIVE_INFINITY;
  #trialMs = Number.NEGATIVE_INFINITY;

  constructor(router: ServiceRouter) {
    this.#router = router;
  }

  /** Also true once in a while for what seems out of reach, and when there is no instance at all: that is another error. */
  within(budgetMs: number, nowMs: number): boolean {
    if (nowMs - this.#takenMs > PICTURE_MS_MAX) {
      this.#takenMs = nowMs;
      this.#leastMs = leastLatencyMs(this.#router.state(nowMs).instances);
    }
    if (this.#leastMs <= budgetMs) return true;
    if (nowMs - this.#trialMs < TRIAL_MS) return false;
    this.#trialMs = nowMs;
    return true;
  }
}

function leastLatencyMs(instances: readonly Pick<InstanceState, 'availability' | 'rttMs' | 'processingMs'>[]): number {
  const takesTraffic = (availability: Availability): boolean => availability === 'up';
  const usable = instances.filter(({ availability }) => takesTraffic(availability));
  if (usable.length === 0) return 0;
  return Math.min(...usable.map(({ rttMs, processingMs }) => rttMs + FASTEST_RATIO * (processingMs ?? 0)));
}

/** `via`: one or more of `protocol received-by [comment]`, comma-separated (RFC 9110 section 7.6.3). */
function namesProxy(via: string, name: string): boolean {
  return via.split(',').some((hop) => hop.trim().split(/\s+/)[1]?.toLowerCase() === name.toLowerCase());
}

function refused(code: ProxyErrorCode, message: string): ProxyError {
  return new ProxyError(code, message, { source: 'downstream' });
}
