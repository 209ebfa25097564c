// Errors of the admin API: problem details (RFC 9457).

import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthenticated',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Content too large',
  415: 'Unsupported media type',
  429: 'Too many requests',
  500: 'Internal error',
  501: 'Not supported',
};

/** The body of an error (RFC 9457). */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

/** `detail`: what is wrong with this very request, naming the offending value. */
export function problem(c: Context, status: ContentfulStatusCode, detail: string): Response {
  const document: ProblemDocument = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail };
  return c.body(JSON.stringify(document), status, { 'content-type': 'application/problem+json' });
}

/** 404, with the names there are. */
export function unknownService(c: Context, name: string, known: Iterable<string>): Response {
  const names = [...known];
  const rest = names.length === 0 ? 'none is configured' : `expected one of ${names.join(', ')}`;
  return problem(c, 404, `no service "${name}", ${rest}`);
}
