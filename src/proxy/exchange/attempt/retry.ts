// The only place that decides about another attempt, and the budget that keeps retries from becoming a load of their own.

import type { RetryConfig } from '../../../config/config.ts';
import type { SendProgress } from '../../upstream/upstream.ts';

/** An attempt that was not enough, and the request that it was made for. */
export interface FailedAttempt {
  readonly progress: SendProgress;
  readonly method: string;
  /** The request names itself safe to repeat with an Idempotency-Key. */
  readonly idempotencyKey: boolean;
  /** Every byte of the body that was sent is still here. */
  readonly replayable: boolean;
  /** How often it was made again, within the limits. */
  readonly retries: number;
  /** How often it was made again for free. */
  readonly resends: number;
  /** Time until the request is late, ms. */
  readonly budgetLeftMs: number;
  /** Time until the client stops waiting, ms; +Infinity when it did not say. */
  readonly askedLeftMs: number;
  /** Instances that were not tried yet, or may be tried again. */
  readonly candidates: number;
  /** Instances that were not tried yet. */
  readonly untried: number;
  /** The instance's answer, or what came of it, lets expect better of another one; none of it was passed on. */
  readonly answerRetryable: boolean;
}

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/**
 * Timers end an attempt up to this long before its deadline (attempt.ts). An attempt in what is left would only turn the miss
 * of an instance into a deadline that passed before an attempt, which counts for no instance.
 */
const BUDGET_MS_MIN = 1;

/** Retries beside the budget, of what no instance worked on, at the most: each costs time all the same. */
const RESENDS_MAX = 10;

/**
 * Whether the next attempt is outside the limits on retries. What was not processed goes out again anywhere; what was not sent
 * goes to an instance that was not tried yet, even when it is late already: late is better than an error.
 */
export function isFree(failed: Pick<FailedAttempt, 'progress' | 'resends' | 'untried' | 'askedLeftMs'>): boolean {
  const { progress, resends, untried, askedLeftMs } = failed;
  if (resends >= RESENDS_MAX) return false;
  if (progress === 'unprocessed') return true;
  return (progress === 'not-sent' || progress === 'own') && untried > 0 && askedLeftMs > BUDGET_MS_MIN;
}

/** Takes from the budget only when the answer is yes. */
export function mayRetry(failed: FailedAttempt, config: RetryConfig, budget: RetryBudget, nowMs: number): boolean {
  if (failed.progress === 'answered') return couldRepeat(failed, config) && budget.withdraw(nowMs);
  if (!failed.replayable) return false;
  if (isFree(failed)) return true;
  if (failed.progress === 'sent' && !isRepeatable(failed, config)) return false;
  if (failed.retries >= config.attempts || failed.candidates === 0) return false;
  return failed.budgetLeftMs > BUDGET_MS_MIN && budget.withdraw(nowMs);
}

/** Whether an answer may be set aside and another instance asked, should the budget allow it. */
export function couldRepeat(failed: FailedAttempt, config: RetryConfig): boolean {
  if (!failed.answerRetryable || !failed.replayable || !isRepeatable(failed, config)) return false;
  return failed.untried > 0 && failed.retries < config.attempts && failed.budgetLeftMs > BUDGET_MS_MIN;
}

/** Whether the request may be repeated: by its method, by its own word, or by the service's. */
function isRepeatable(failed: Pick<FailedAttempt, 'method' | 'idempotencyKey'>, config: RetryConfig): boolean {
  return config.idempotent || failed.idempotencyKey || IDEMPOTENT.has(failed.method);
}

/** Seconds of the fixed allowance that may pile up unused. */
const PERIOD_SECONDS = 10;
/** Requests whose share may pile up unused. */
const REQUESTS_KEPT = 100;

/** A token bucket that every request fills by a fraction of a retry, and time by a fixed rate. */
export class RetryBudget {
  readonly #ratio: number;
  readonly #perSecond: number;
  readonly #tokensMax: number;
  #tokens: number;
  #filledMs = Number.NaN;

  constructor(config: Pick<RetryConfig, 'budgetRatio' | 'budgetPerSecond'>) {
    this.#ratio = config.budgetRatio;
    this.#perSecond = config.budgetPerSecond;
    this.#tokensMax = config.budgetPerSecond * PERIOD_SECONDS + config.budgetRatio * REQUESTS_KEPT;
    this.#tokens = config.budgetPerSecond;
  }

  /** A request came in (not a retry of one). */
  deposit(): void {
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + this.#ratio);
  }

  /** Takes one retry out, or says no. */
  withdraw(nowMs: number): boolean {
    if (!Number.isNaN(this.#filledMs)) {
      const added = ((nowMs - this.#filledMs) / 1000) * this.#perSecond;
      this.#tokens = Math.min(this.#tokensMax, this.#tokens + Math.max(0, added));
    }
    this.#filledMs = nowMs;
    // A hair below one: ten tenths must make one after any rounding.
    if (this.#tokens < 1 - 1e-9) return false;
    this.#tokens -= 1;
    return true;
  }
}
