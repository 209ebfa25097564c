// Who may use the admin port. On loopback anyone on the machine may, but no web page may use their browser for it; with a
// token, whoever holds it: as a bearer, or in a browser as a cookie that was given for it.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';

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

export type Verdict =
  | { readonly kind: 'allowed'; readonly by: 'loopback' | 'bearer' | 'cookie' }
  | { readonly kind: 'unauthenticated' }
  | { readonly kind: 'forbidden'; readonly reason: string };

export class Access {
  #token: string | null = null;
  #session: string | null = null;

  /** `token` null: none is demanded, which only a loopback listener may do. */
  constructor(token: string | null) {
    this.renew(token);
  }

  /** Another token from now on; those who hold the old one, or its cookie, are out. */
  renew(token: string | null): void {
    this.#token = token;
    // The cookie proves the token without holding it; it outlives a restart and dies with a change of the token.
    this.#session =
      token === null ? null : createHmac('sha256', token).update('qedge admin session').digest('base64url');
  }

  get demandsToken(): boolean {
    return this.#token !== null;
  }

  judge(request: AccessRequest): Verdict {
    const bearer = request.authorization?.match(/^Bearer +(.+)$/i)?.[1] ?? null;
    if (this.#token !== null && bearer !== null) {
      return equals(bearer, this.#token) ? { kind: 'allowed', by: 'bearer' } : { kind: 'unauthenticated' };
    }
    const foreign = foreignReason(request, this.#token === null);
    if (foreign !== null) return { kind: 'forbidden', reason: foreign };
    if (this.#token === null || this.#session === null) return { kind: 'allowed', by: 'loopback' };
    if (request.session !== null && equals(request.session, this.#session)) return { kind: 'allowed', by: 'cookie' };
    return { kind: 'unauthenticated' };
  }

  /** The cookie's value for the right token, else null. */
  logIn(token: string): string | null {
    return this.#token !== null && equals(token, this.#token) ? this.#session : null;
  }
}

/** Whether an address is reachable from this machine alone. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^::ffff:/i, '');
  return address === 'localhost' || address === '::1' || (isIPv4(address) && address.startsWith('127.'));
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
  const changes = request.method !== 'GET' && request.method !== 'HEAD';
  if (changes && !/^application\/json\b/i.test(request.contentType ?? ''))
    return 'content type is not application/json';
  return null;
}

function sameHost(origin: string, host: string | null): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

function isLoopbackName(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'))
  );
}

/** Compares in a time that tells nothing of where two texts differ. */
function equals(given: string, wanted: string): boolean {
  const key = 'qedge';
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
