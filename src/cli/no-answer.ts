// Why nothing answers at an admin port, in words.

import { UNRESOLVED } from '../net/address-book.ts';

/** Names of the errors of what takes too long. */
const LATE: ReadonlySet<string> = new Set(['TimeoutError', 'HeadersTimeoutError', 'ConnectTimeoutError']);

/** Why there was no answer, by what a request was rejected with. */
export function noAnswerReason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const isLate = [cause, error].some((one) => one instanceof Error && LATE.has(one.name));
  if (isLate) return 'no answer in time';
  if (cause.message === 'bad port') return 'browsers and fetch refuse this port: choose another for admin.listen';
  const code = 'code' in cause ? cause.code : null;
  if (code === 'ECONNREFUSED') return 'connection refused';
  return code === UNRESOLVED || code === 'EAI_AGAIN' ? 'the name has no address' : cause.message;
}
