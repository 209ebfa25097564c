// Attempts that a worker makes, on their way to a recording on the main thread: a few at a time, when they are over.

import type { AttemptResult, Candidate, InstanceKey } from '../../core/domain.ts';
import type { RouterTap, Ticket } from '../../core/service-router.ts';

/** An attempt that is over, as a recording takes it. */
export interface FinishedAttempt {
  /** On the clock that all data planes share. */
  readonly startMs: number;
  readonly key: InstanceKey;
  /** Share of requests that the instance was meant to get. */
  readonly weight: number;
  readonly latencyMs: number;
  readonly result: AttemptResult;
}

const BATCH_DELAY_MS = 100;

/** Collects attempts of a service while it is tapped. */
export class AttemptTap implements RouterTap {
  readonly #report: (attempts: readonly FinishedAttempt[]) => void;
  readonly #begun = new Map<Ticket, Pick<FinishedAttempt, 'startMs' | 'key' | 'weight'>>();
  #over: FinishedAttempt[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(report: (attempts: readonly FinishedAttempt[]) => void) {
    this.#report = report;
  }

  started(ticket: Ticket, { key }: Candidate, weight: number, nowMs: number): void {
    this.#begun.set(ticket, { startMs: nowMs, key, weight });
  }

  finished(ticket: Ticket, result: AttemptResult, latencyMs: number): void {
    const begun = this.#begun.get(ticket);
    this.#begun.delete(ticket);
    if (begun === undefined) return;
    this.#over.push({ ...begun, latencyMs, result });
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_DELAY_MS).unref();
  }

  /** The recording is told by the main thread. */
  ended(): void {}

  #flush(): void {
    this.#timer = null;
    this.#report(this.#over);
    this.#over = [];
  }
}

/** Plays attempts that are over to a tap that saw none of them begin. Their tickets are below those of any router. */
export function playAttempts(
  attempts: readonly FinishedAttempt[],
  candidates: readonly Candidate[],
  tap: RouterTap,
): void {
  for (const { startMs, key, weight, latencyMs, result } of attempts) {
    // Gone from here meanwhile: the log has said so already.
    const candidate = candidates.find((one) => one.key === key);
    if (candidate === undefined) continue;
    tap.started(PLAYED, candidate, weight, startMs);
    tap.finished(PLAYED, result, latencyMs);
  }
}

/** Ticket of an attempt that ends as it begins. */
const PLAYED: Ticket = -1;
