// What one service calls a failure, made ready for use: a verdict for each status of HTTP and of gRPC, so that an answer costs a look
// into an array.

import { GRPC_RESOURCE_EXHAUSTED, GRPC_STATUS_MAX, NO_GRPC_STATUS } from './grpc.ts';
import { TABLE, type Verdict } from './table.ts';

/** `[service.failure]` and the statuses of `[service.retry]`. */
export interface FailureConfig {
  /** Statuses that are failures. */
  readonly statuses: readonly number[];
  /** Statuses of gRPC that are failures. */
  readonly grpc: readonly number[];
  /** Whether other answers that are no success count against an instance as far as it alone gives them. */
  readonly relative: boolean;
  /** The least body of a 200 that is no failure, bytes; 0 where none is too short. */
  readonly bodyBytesMin: number;
}

/** All 5xx but those that say what the service cannot do at all, and the two by which an instance says that it is full. */
export const FAILURE_DEFAULT: FailureConfig = {
  statuses: [...statusClass(5), 408, 429],
  grpc: [2, 4, 8, 13, 14, 15],
  relative: true,
  bodyBytesMin: 0,
};

/** Statuses that another instance may do better at. */
export const RETRY_STATUSES_DEFAULT: readonly number[] = [408, 429, 502, 503, 504];

/** What a class such as `5xx` stands for: 501 and 505 mean the same at every instance and are not among them. */
export function statusClass(hundreds: number): number[] {
  return Array.from({ length: 100 }, (_, i) => hundreds * 100 + i).filter((status) => status !== 501 && status !== 505);
}

/** A service's rules, made ready to be looked up by status. */
export interface VerdictRules {
  /** Verdicts of answers that came whole and in time, indexed by status of HTTP. */
  readonly byStatus: readonly Verdict[];
  /** Verdicts of such answers of gRPC, indexed by its status. */
  readonly byGrpcStatus: readonly Verdict[];
  readonly relative: boolean;
  readonly bodyBytesMin: number;
}

const STATUS_MAX = 999;
/** Statuses with which an instance says that it is full, which is no reason to believe it broken. */
const FULL_STATUSES: readonly number[] = [408, 429];

/** Makes the rules of a service, once. `retryStatuses`: of answers that another instance may do better at. */
export function verdictRules(failure: FailureConfig, retryStatuses: readonly number[]): VerdictRules {
  const failures = new Set(failure.statuses);
  const retried = new Set(retryStatuses);
  const byStatus = Array.from({ length: STATUS_MAX + 1 }, (_, status) => {
    const verdict = failures.has(status)
      ? failureOf(FULL_STATUSES.includes(status))
      : usualOf(status, failure.relative);
    return withRetry(verdict, retried.has(status));
  });
  const byGrpcStatus = Array.from({ length: GRPC_STATUS_MAX + 1 }, (_, status) => {
    if (status === 0) return TABLE.success;
    if (!failure.grpc.includes(status)) return failure.relative ? TABLE.declined : TABLE.success;
    const full = status === GRPC_RESOURCE_EXHAUSTED;
    return withRetry(failureOf(full), retried.has(HTTP_OF_GRPC[status] ?? 0));
  });
  return { byStatus, byGrpcStatus, relative: failure.relative, bodyBytesMin: failure.bodyBytesMin };
}

/** Whether another instance may do better than this answer. */
export function isRetryable(
  { status, grpcStatus }: { readonly status: number; readonly grpcStatus: number },
  { byStatus, byGrpcStatus }: VerdictRules,
): boolean {
  const verdict = grpcStatus === NO_GRPC_STATUS ? byStatus[status] : byGrpcStatus[grpcStatus];
  return verdict?.retryable ?? false;
}

/** The status of HTTP that means the same as one of gRPC: where it is retried, so is the one of gRPC. */
const HTTP_OF_GRPC: Readonly<Record<number, number>> = { 8: 429, 14: 503 };

function failureOf(full: boolean): Verdict {
  return full ? TABLE.full : TABLE.failed;
}

/** Whether a status says that all is well, where the service calls it no failure. */
export function isGood(status: number): boolean {
  return status < 300 || status === 304;
}

function usualOf(status: number, relative: boolean): Verdict {
  if (isGood(status) || !relative) return TABLE.success;
  return status < 400 ? TABLE.redirected : TABLE.declined;
}

function withRetry(verdict: Verdict, retryable: boolean): Verdict {
  return verdict.retryable === retryable ? verdict : { ...verdict, retryable };
}
