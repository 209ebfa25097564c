// The table of verdicts. Three questions about every answer, kept apart: did the service do its work (the client's account), is it the
// instance's doing (the evidence that policies learn from), and may another instance do better (a retry)?

import type { Evidence, RequestEnding } from '../domain.ts';

/**
 * A success, or a miss: answered late, or not answered as asked. `none`: neither, unless the router takes the attempt for a failure of its
 * instance.
 */
export type Account = RequestEnding | 'none';

/** What an attempt is worth: for the client, for the instance, and for another attempt. */
export interface Verdict {
  /** The row of the table, a word for people and labels. */
  readonly row: VerdictRow;
  readonly account: Account;
  readonly evidence: Evidence;
  /** Another instance may do better; whether the request lets itself be sent again is another matter. */
  readonly retryable: boolean;
}

/** Row of the table, the word in metrics and reasons. */
export type VerdictRow =
  /** 2xx, 304 or `grpc-status: 0`, whole and in time. */
  | 'success'
  /** The same, but later than the client can use it. */
  | 'late'
  /** The attempt was in time, but its request was late before it: in a queue, connecting, or at other instances. */
  | 'delayed'
  /** A status of the service's list of failures. */
  | 'failed'
  /** The failures with which an instance says that it is full. */
  | 'full'
  /** Another 3xx than 304. */
  | 'redirected'
  /** Another 4xx, 501 or 505, or a status of gRPC that is no failure: what was asked for is not to be had here. */
  | 'declined'
  /** 2xx, or a 304 to an unconditional request, without a body where others may have one. */
  | 'empty'
  /** 2xx with a description of a problem in place of what was asked for (RFC 9457). */
  | 'problem'
  /** 2xx of a type that the request does not accept (RFC 9110 section 12.5.1), or HTML where it does not name it, or not of its own type. */
  | 'unacceptable'
  /** A part where none was asked for, or another one, or a 304 for a version that the client does not have. */
  | 'mismatched'
  /** The body has another digest than the answer gives (RFC 9530). */
  | 'corrupt'
  /** A 202: it may be done later, or never (RFC 9110 section 15.3.3); or a 2xx that is not registered. */
  | 'accepted'
  /** A stream that ended within an event or a line, which its client never sees. */
  | 'unfinished'
  /** 200 with fewer bytes than the service's answers have. */
  | 'short'
  /** The instance calls its own answer bad. */
  | 'declared'
  /** The answer ended before its end. */
  | 'cut-off'
  /** An answer that is no HTTP. */
  | 'malformed'
  /** This process could not send it. */
  | 'own-fault'
  /** No connection. */
  | 'refused'
  /** Sent, and the instance says that it did not look at it. */
  | 'unprocessed'
  /** The connection was lost before an answer. */
  | 'reset'
  /** No answer, or no next piece of it, within the service's timeout. */
  | 'timeout'
  /** The client's own deadline passed first. */
  | 'deadline'
  /** The client went away in time. */
  | 'client-left'
  /** The client went away after the limit had passed. */
  | 'client-gave-up'
  /** A stream that had been a success broke off. */
  | 'broke-off'
  /** A stream that had been a success paused for too long. */
  | 'stalled';

/** Rows of an answer that succeeds by its status, and is none to what was asked. */
export type Misfit = 'problem' | 'unacceptable' | 'mismatched' | 'corrupt' | 'accepted' | 'unfinished';

/** Every way in which an attempt ends. */
export const TABLE: { readonly [Row in VerdictRow]: Verdict & { readonly row: Row } } = {
  success: { row: 'success', account: 'success', evidence: 'answered', retryable: false },
  late: { row: 'late', account: 'late', evidence: 'answered', retryable: false },
  delayed: { row: 'delayed', account: 'late', evidence: 'answered', retryable: false },
  failed: { row: 'failed', account: 'failed', evidence: 'failed', retryable: false },
  full: { row: 'full', account: 'failed', evidence: 'full', retryable: true },
  redirected: { row: 'redirected', account: 'none', evidence: 'redirected', retryable: false },
  declined: { row: 'declined', account: 'none', evidence: 'declined', retryable: false },
  empty: { row: 'empty', account: 'success', evidence: 'empty', retryable: false },
  problem: { row: 'problem', account: 'none', evidence: 'unfit', retryable: false },
  unacceptable: { row: 'unacceptable', account: 'success', evidence: 'unfit', retryable: false },
  mismatched: { row: 'mismatched', account: 'none', evidence: 'unfit', retryable: false },
  corrupt: { row: 'corrupt', account: 'none', evidence: 'unfit', retryable: false },
  accepted: { row: 'accepted', account: 'success', evidence: 'unfit', retryable: false },
  unfinished: { row: 'unfinished', account: 'success', evidence: 'unfit', retryable: false },
  short: { row: 'short', account: 'failed', evidence: 'failed', retryable: false },
  declared: { row: 'declared', account: 'failed', evidence: 'failed', retryable: false },
  'cut-off': { row: 'cut-off', account: 'failed', evidence: 'failed', retryable: true },
  malformed: { row: 'malformed', account: 'failed', evidence: 'failed', retryable: false },
  'own-fault': { row: 'own-fault', account: 'failed', evidence: 'unprocessed', retryable: true },
  refused: { row: 'refused', account: 'failed', evidence: 'refused', retryable: true },
  unprocessed: { row: 'unprocessed', account: 'failed', evidence: 'unprocessed', retryable: true },
  reset: { row: 'reset', account: 'failed', evidence: 'refused', retryable: true },
  timeout: { row: 'timeout', account: 'failed', evidence: 'timeout', retryable: true },
  deadline: { row: 'deadline', account: 'failed', evidence: 'expired', retryable: false },
  'client-left': { row: 'client-left', account: 'none', evidence: 'aborted', retryable: false },
  'client-gave-up': { row: 'client-gave-up', account: 'failed', evidence: 'aborted', retryable: false },
  'broke-off': { row: 'broke-off', account: 'failed', evidence: 'failed', retryable: false },
  stalled: { row: 'stalled', account: 'failed', evidence: 'failed', retryable: false },
};
