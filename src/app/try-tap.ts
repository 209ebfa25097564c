// Tries that a worker makes, on their way to a recording on the main thread: a few at a time, when they are over.

import type { Candidate, InstanceKey, TryResult } from '../core/domain.ts';
import type { RouterTap, Ticket } from '../core/service-router.ts';

export interface FinishedTry {
  /** On the clock that all data planes share. */
  readonly startMs: number;
  readonly key: InstanceKey;
  /** Share of requests that the instance was meant to get. */
  readonly weight: number;
  readonly latencyMs: number;
  readonly result: TryResult;
}

const BATCH_DELAY_MS = 100;

export class TryTap implements RouterTap {
  readonly #report: (tries: readonly FinishedTry[]) => void;
  readonly #begun = new Map<Ticket, Pick<FinishedTry, 'startMs' | 'key' | 'weight'>>();
  #over: FinishedTry[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(report: (tries: readonly FinishedTry[]) => void) {
    this.#report = report;
  }

  started(ticket: Ticket, { key }: Candidate, weight: number, nowMs: number): void {
    this.#begun.set(ticket, { startMs: nowMs, key, weight });
  }

  finished(ticket: Ticket, result: TryResult, latencyMs: number): void {
    const begun = this.#begun.get(ticket);
    this.#begun.delete(ticket);
    if (begun === undefined) return;
    this.#over.push({ ...begun, latencyMs, result });
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_DELAY_MS).unref();
  }

  #flush(): void {
    this.#timer = null;
    this.#report(this.#over);
    this.#over = [];
  }
}

/** Plays tries that are over to a tap that saw none of them begin. Their tickets are below those of any router. */
export function playTries(tries: readonly FinishedTry[], candidates: readonly Candidate[], tap: RouterTap): void {
  for (const { startMs, key, weight, latencyMs, result } of tries) {
    // Gone from here meanwhile: the trace has said so already.
    const candidate = candidates.find((one) => one.key === key);
    if (candidate === undefined) continue;
    tap.started(PLAYED, candidate, weight, startMs);
    tap.finished(PLAYED, result, latencyMs);
  }
}

/** Of a try that ends as it begins. */
const PLAYED: Ticket = -1;
