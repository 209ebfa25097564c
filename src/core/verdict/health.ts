// What an answer to an active health check says of the instance, by the table that answers to clients are judged by.

import { reasonOf, reasonText } from './reason.ts';
import { FAILURE_DEFAULT, verdictRules } from './rules.ts';
import type { VerdictRow } from './table.ts';
import { type AttemptEnding, verdictOf } from './verdict.ts';

const RULES = verdictRules(FAILURE_DEFAULT, []);
/** Rows of a healthy answer: a check may be redirected. */
const WELL: ReadonlySet<VerdictRow> = new Set(['success', 'redirected']);

/** Returns why it is not well, or null. What a service calls a failure of its answers does not matter here. */
export function healthFailure(answer: Pick<AttemptEnding, 'status' | 'grpcStatus' | 'declaredFailure'>): string | null {
  const ending: AttemptEnding = {
    ...answer,
    by: 'answer',
    bodyBytes: 0,
    bodyExpected: false,
    truncated: false,
    misfit: null,
    inTime: true,
    attemptInTime: true,
    expired: false,
    stalled: false,
  };
  const verdict = verdictOf(ending, RULES);
  return WELL.has(verdict.row) ? null : reasonText(reasonOf(verdict, 'failed', ending));
}
