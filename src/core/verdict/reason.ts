// Why an attempt was no success, for people: a status, a status of gRPC, or what else ended it. A number where it is counted, words
// where it is shown.

import type { AttemptResult } from '../domain.ts';
import { GRPC_OK, NO_GRPC_STATUS } from './grpc.ts';
import type { Verdict, VerdictRow } from './table.ts';
import type { AttemptEnding } from './verdict.ts';

/** What is held against an instance, as a number; 0 for nothing. */
export type Reason = number;

/** Nothing is held against the instance. */
export const NO_REASON: Reason = 0;

/** Something that is held against an instance, and in which share of its last attempts. */
export interface ReasonShare {
  readonly reason: string;
  /** The share of the last attempts, in (0, 1]. */
  readonly share: number;
}

/** Statuses of HTTP stand for themselves, those of gRPC follow, then the rows that have no status. */
const GRPC_FIRST = 1000;
const ROW_FIRST = 2000;

/** Rows whose name says less than the status of the answer. */
const BY_STATUS: ReadonlySet<VerdictRow> = new Set(['failed', 'full', 'redirected', 'declined', 'accepted']);
/** Rows that are held against an instance only where the router says so, beside the answers of the others. */
const RELATIVE: ReadonlySet<VerdictRow> = new Set([
  'redirected',
  'declined',
  'empty',
  'problem',
  'unacceptable',
  'mismatched',
  'corrupt',
  'accepted',
  'unfinished',
  'deadline',
  'client-left',
]);
const HARMLESS: ReadonlySet<VerdictRow> = new Set(['success', 'delayed', 'unprocessed', 'own-fault']);

const WORDS: readonly (readonly [VerdictRow, string])[] = [
  ['late', 'late'],
  ['empty', 'empty body'],
  ['short', 'short body'],
  ['declared', 'declared bad'],
  ['cut-off', 'cut off'],
  ['malformed', 'malformed'],
  ['refused', 'refused'],
  ['reset', 'reset'],
  ['timeout', 'timeout'],
  ['deadline', 'no answer by the deadline'],
  ['client-left', 'clients left'],
  ['client-gave-up', 'late, client gone'],
  ['broke-off', 'broke off'],
  ['stalled', 'stalled'],
  ['problem', 'problem details'],
  ['unacceptable', 'wrong type'],
  ['mismatched', 'not what was asked'],
  ['corrupt', 'wrong digest'],
  ['unfinished', 'unfinished'],
];
const ROWS: ReadonlyMap<VerdictRow, Reason> = new Map(WORDS.map(([row], index) => [row, ROW_FIRST + index]));

const GRPC_NAMES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** What is held against the instance; `taken`: what the router took the attempt for. */
export function reasonOf(
  { row }: Pick<Verdict, 'row'>,
  taken: AttemptResult,
  { status, grpcStatus }: Pick<AttemptEnding, 'status' | 'grpcStatus'>,
): Reason {
  if (HARMLESS.has(row) || (RELATIVE.has(row) && taken !== 'failed' && taken !== 'timeout')) return NO_REASON;
  const saysWhy = BY_STATUS.has(row) || (row === 'broke-off' && grpcStatus > GRPC_OK);
  if (!saysWhy) return ROWS.get(row) ?? NO_REASON;
  return grpcStatus === NO_GRPC_STATUS ? status : GRPC_FIRST + grpcStatus;
}

/** `status 503`, `grpc 14 UNAVAILABLE`, `reset`. */
export function reasonText(reason: Reason): string {
  if (reason >= ROW_FIRST) return WORDS[reason - ROW_FIRST]?.[1] ?? '';
  if (reason < GRPC_FIRST) return `status ${reason}`;
  const status = reason - GRPC_FIRST;
  return `grpc ${status} ${GRPC_NAMES[status] ?? ''}`.trim();
}
