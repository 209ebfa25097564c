// What may use the admin port. On loopback anyone on the machine may, but no web page may use their browser for it; with a
// token, from any holder: as a bearer, or in a browser as a cookie that was given for it.

import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { isLoopback } from '../../config/loopback.ts';

export interface AccessRequest {
  readonly method: string;
  readonly host: string | null;
  readonly origin: string | null;
  readonly secFetchSite: string | null;
  readonly authorization: string | null;
  /** Value of the session cookie. */
  readonly session: string | null;
  readonly contentType: string | null;
}

type Permission =
  | { readonly kind: 'allowed'; readonly by: 'loopback' | 'bearer' | 'cookie' }
  | { readonly kind: 'unauthenticated' }
  | { readonly kind: 'forbidden'; readonly reason: string }
  /** A change that is not JSON: a form of another site can send one without asking. */
  | { readonly kind: 'wrong-type' };

/** A session lasts this long, ms: a working day. */
export const SESSION_MS = 12 * 3_600_000;
/** Sessions that were ended before their time and are remembered. */
const ENDED_MAX = 1_024;

/** Decides whether a request may use the admin port, by address, origin and token. */
export class Access {
  readonly #wallNowMs: () => number;
  #token: string | null = null;
  /** Ids of sessions that were logged out of, oldest first. */
  readonly #ended = new Set<string>();

  /** `token` null: none is demanded, which only a loopback listener may do. */
  constructor(token: string | null, wallNowMs: () => number = Date.now) {
    this.#token = token;
    this.#wallNowMs = wallNowMs;
  }

  /** Another token from now on; the old one, and every cookie of it, is void. */
  renew(token: string | null): void {
    this.#token = token;
  }

  get demandsToken(): boolean {
    return this.#token !== null;
  }

  judge(request: AccessRequest): Permission {
    const bearer = request.authorization?.match(/^Bearer +(.+)$/i)?.[1] ?? null;
    if (this.#token !== null && bearer !== null) {
      return equals(bearer, this.#token) ? { kind: 'allowed', by: 'bearer' } : { kind: 'unauthenticated' };
    }
    const foreign = foreignReason(request, this.#token === null);
    if (foreign !== null) return { kind: 'forbidden', reason: foreign };
    if (changes(request) && !isJson(request.contentType)) return { kind: 'wrong-type' };
    if (this.#token === null) return { kind: 'allowed', by: 'loopback' };
    if (request.session !== null && this.#isLive(request.session)) return { kind: 'allowed', by: 'cookie' };
    return { kind: 'unauthenticated' };
  }

  /** A new session for the right token, as the cookie's value; else null. */
  logIn(token: string): string | null {
    if (this.#token === null || !equals(token, this.#token)) return null;
    const claims = `${randomUUID()}.${this.#wallNowMs() + SESSION_MS}`;
    return `${claims}.${this.#sign(claims, this.#token)}`;
  }

  /** Ends a session: its cookie is worth nothing from now on. */
  logOut(session: string): void {
    if (!this.#isLive(session)) return;
    const [id = ''] = session.split('.');
    const [oldest] = this.#ended;
    if (this.#ended.size >= ENDED_MAX && oldest !== undefined) this.#ended.delete(oldest);
    this.#ended.add(id);
  }

  /** The cookie proves the token without holding it; it outlives a restart, and dies with a change of the token. */
  #isLive(session: string): boolean {
    const [id = '', endMs = '', signature = '', ...rest] = session.split('.');
    if (this.#token === null || rest.length > 0 || this.#ended.has(id)) return false;
    const leftMs = Number(endMs) - this.#wallNowMs();
    // One that was made while the clock was ahead would live until the clock has caught up.
    const isNow = leftMs > 0 && leftMs <= SESSION_MS;
    return isNow && equals(signature, this.#sign(`${id}.${endMs}`, this.#token));
  }

  #sign(claims: string, token: string): string {
    return createHmac('sha256', token).update(`qedge admin session ${claims}`).digest('base64url');
  }
}

/**
 * Why a request that carries no bearer may be another site's doing (CSRF, cross-site WebSocket, DNS rebinding), or null.
 * `nameChecked`: without a token the Host must be a loopback name, since a rebound name is the attacker's own origin.
 */
function foreignReason(request: AccessRequest, nameChecked: boolean): string | null {
  const { host, origin } = request;
  if (nameChecked && (host === null || !isLoopbackName(host))) return 'host is not a loopback name';
  if (origin !== null && !sameHost(origin, host)) return 'origin is another site';
  if (request.secFetchSite === 'cross-site' && request.method !== 'GET') return 'request comes from another site';
  return null;
}

const changes = ({ method }: AccessRequest): boolean => method !== 'GET' && method !== 'HEAD';

export function isJson(contentType: string | null): boolean {
  return /^application\/json\s*(?:;|$)/i.test(contentType ?? '');
}

function sameHost(origin: string, host: string | null): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

function isLoopbackName(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name.includes(':') ? name === '[::1]' : isLoopback(name);
}

/** Compares in a time that does not depend on where two texts differ. */
function equals(given: string, wanted: string): boolean {
  const key = 'qedge';
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
