// What an attempt was worth. The driver says what it saw of the attempt's end, the table says what that means; nothing else in this program
// decides by a status. Pure, and allocates nothing.

import type { AttemptResult } from '../domain.ts';
import { NO_GRPC_STATUS } from './grpc.ts';
import type { VerdictRules } from './rules.ts';
import { type Account, type Misfit, TABLE, type Verdict } from './table.ts';

/** What ended an attempt. */
export type EndedBy =
  /** The instance has said everything. */
  | 'answer'
  /** This process could not send it: no file descriptor, no port. */
  | 'own-fault'
  /** There was no connection to send it on. */
  | 'connect'
  /** The instance gave it back unseen. */
  | 'unprocessed'
  /** The connection, or the stream, was lost. */
  | 'reset'
  /** What came was no HTTP. */
  | 'protocol'
  /** Nothing came for the service's timeout. */
  | 'timeout'
  /** The client's own deadline passed. */
  | 'deadline'
  /** The client is gone, or was sent away. */
  | 'client';

/** What was seen of an attempt's end. */
export interface AttemptEnding {
  readonly by: EndedBy;
  /** Status of the answer; 0 when no head came. */
  readonly status: number;
  /** Status of gRPC, from the head or the trailers; `NO_GRPC_STATUS` where it is no gRPC. */
  readonly grpcStatus: number;
  /** Length of the body so far. */
  readonly bodyBytes: number;
  /** The request calls for a body: a 204 is empty, a 304 to a client that has the body is not. */
  readonly bodyExpected: boolean;
  /** A body that ended in order but without what marks its end. */
  readonly truncated: boolean;
  /** Why it does not answer what was asked, though it succeeds by its status; null where it does. */
  readonly misfit: Misfit | null;
  /** The instance said that its answer is bad. */
  readonly declaredFailure: boolean;
  /** The client's limit has not passed; of a stream: it had not at its first byte. */
  readonly inTime: boolean;
  /** The attempt alone took no longer than that limit. */
  readonly attemptInTime: boolean;
  /** The deadline that the client itself set has passed. */
  readonly expired: boolean;
  /** A stream that paused for longer than the service allows. */
  readonly stalled: boolean;
}

/** Returns what the attempt is worth, by the table and the service's rules. */
export function verdictOf(ending: AttemptEnding, rules: VerdictRules): Verdict {
  switch (ending.by) {
    case 'answer':
      return ofAnswer(ending, rules);
    case 'own-fault':
      return TABLE['own-fault'];
    case 'connect':
      return TABLE.refused;
    case 'unprocessed':
      return TABLE.unprocessed;
    case 'reset':
      return ending.status === 0 ? TABLE.reset : TABLE['cut-off'];
    case 'protocol':
      return TABLE.malformed;
    case 'timeout':
      return TABLE.timeout;
    case 'deadline':
      return TABLE.deadline;
    case 'client':
      return ending.inTime ? TABLE['client-left'] : TABLE['client-gave-up'];
  }
}

/**
 * The second look at a stream that was a success at its first byte: what it is from now on, or null when it stays one. A viewer
 * that leaves has had what it came for.
 */
export function verdictAfterFirstByte(ending: AttemptEnding, rules: VerdictRules): Verdict | null {
  if (ending.stalled) return TABLE.stalled;
  // The same holds for a gRPC call at its deadline, which its instance ends as its client does.
  if (ending.by === 'client' || (ending.expired && ending.grpcStatus !== NO_GRPC_STATUS)) return null;
  if (ending.by !== 'answer') return TABLE['broke-off'];
  return ofAnswer(ending, rules).account === 'failed' ? TABLE['broke-off'] : null;
}

/** Whether the value of `X-QEdge-Verdict`, in a head or in trailers, is `failure`. */
export function isFailureVerdict(value: string): boolean {
  return value.toLowerCase() === 'failure';
}

/** Returns what goes into the client's account, given what the router takes the attempt for. */
export function accountOf({ account }: Verdict, taken: AttemptResult): Account {
  const isMiss = account === 'late' || account === 'failed';
  return !isMiss && (taken === 'failed' || taken === 'timeout') ? 'failed' : account;
}

function ofAnswer(ending: AttemptEnding, rules: VerdictRules): Verdict {
  if (ending.declaredFailure) return TABLE.declared;
  if (ending.truncated) return TABLE['cut-off'];
  const { status, grpcStatus } = ending;
  const verdict =
    grpcStatus === NO_GRPC_STATUS
      ? (rules.byStatus[status] ?? TABLE.malformed)
      : (rules.byGrpcStatus[grpcStatus] ?? TABLE.failed);
  if (verdict.row !== 'success') return verdict;
  if (ending.misfit !== null && rules.relative && ending.inTime) return TABLE[ending.misfit];
  if (ending.bodyExpected) {
    if (status === 200 && ending.bodyBytes < rules.bodyBytesMin) return TABLE.short;
    if (ending.bodyBytes === 0 && rules.relative && ending.inTime) return TABLE.empty;
  }
  if (ending.inTime) return verdict;
  return ending.attemptInTime ? TABLE.delayed : TABLE.late;
}
