// The attempts of one request that failed or were set aside, and whether there may be another. Made when the first one fails: most
// requests never need it.

import { type Candidate, NO_HANDLE } from '../../../core/domain.ts';
import { hasField } from '../../fields/fields.ts';
import type { ServiceRuntime } from '../../service.ts';
import type { SendProgress } from '../../upstream/upstream.ts';
import type { ClientRequest } from '../client/message.ts';
import type { RequestBody } from '../client/request-body.ts';
import type { Deadline } from '../time/deadline.ts';
import { couldRepeat, type FailedAttempt, isFree, mayRetry } from './retry.ts';

/** The request that is attempted. */
export interface AttemptedRequest {
  readonly request: ClientRequest;
  readonly service: ServiceRuntime;
  readonly deadline: Deadline;
  /** Null: it has none. */
  readonly body: RequestBody | null;
}

const NONE: readonly number[] = [];

/** Decides whether another attempt may follow those that failed or were set aside. */
export class EarlierAttempts {
  readonly #request: AttemptedRequest;
  /** Handles of the instances that were tried. */
  #tried = NONE;
  #retries = 0;
  /** Retries that the limits do not count. */
  #resends = 0;

  constructor(request: AttemptedRequest) {
    this.#request = request;
  }

  get tried(): readonly number[] {
    return this.#tried;
  }

  /** The attempt at this instance failed. Returns whether there may be another, which takes from the budget. */
  failed({ handle }: Candidate, progress: SendProgress, retryable: boolean, nowMs: number): boolean {
    this.#tried = [...this.#tried, handle];
    const { service } = this.#request;
    // No handle to leave out: this instance is in `#tried` already.
    const failed = this.#describe(progress, retryable, NO_HANDLE, nowMs);
    if (!mayRetry(failed, service.config.retry, service.retryBudget, nowMs)) return false;
    if (isFree(failed)) this.#resends++;
    else this.#retries++;
    if (progress !== 'unprocessed') service.metrics.retried();
    return true;
  }

  /** Whether the answer of this instance could be set aside for another's. */
  couldRepeat({ handle }: Candidate, nowMs: number): boolean {
    return couldRepeat(this.#describe('answered', true, handle, nowMs), this.#request.service.config.retry);
  }

  /** Takes a retry from the budget; false: none is left or allowed. */
  takeRetry({ handle }: Candidate, nowMs: number): boolean {
    const { config, retryBudget } = this.#request.service;
    return mayRetry(this.#describe('answered', true, handle, nowMs), config.retry, retryBudget, nowMs);
  }

  /** The answer of this instance was set aside. */
  setAside({ handle }: Candidate): void {
    this.#tried = [...this.#tried, handle];
    this.#retries++;
    this.#request.service.metrics.retried();
  }

  /** Instances without an attempt, that of `handle` left out. */
  #untried(handle: number): number {
    let count = 0;
    for (const candidate of this.#request.service.router.candidates) {
      if (candidate.handle === handle || candidate.lacks.length > 0) continue;
      if (!this.#tried.includes(candidate.handle)) count++;
    }
    return count;
  }

  /** What decides about another attempt. `handle`: the instance whose attempt still runs, or none. */
  #describe(progress: SendProgress, answerRetryable: boolean, handle: number, nowMs: number): FailedAttempt {
    const { request, service, deadline, body } = this.#request;
    const { candidates } = service.router;
    return {
      progress,
      answerRetryable,
      method: request.method ?? 'GET',
      idempotencyKey: hasField(request.rawHeaders, 'idempotency-key'),
      replayable: body === null || body.replayable,
      retries: this.#retries,
      resends: this.#resends,
      budgetLeftMs: deadline.budgetLeftMs(nowMs),
      askedLeftMs: deadline.askedLeftMs(nowMs),
      candidates: candidates.length,
      untried: this.#untried(handle),
    };
  }
}
