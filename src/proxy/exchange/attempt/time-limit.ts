// How long an attempt may go without a word from its instance. Until the head: the service's timeout, or less where the client said
// that it does not wait that long. From then on: the service's timeout between two pieces. Time is that of the stopwatch, so that a slow
// client does not make its instance late. A stream that is judged already is only looked at for its pauses.

import { TimeoutEntry } from '../time/timeout-list.ts';
import type { AttemptOwner } from './owner.ts';

/** A timer that fires early by rounding is not set again for less. */
const REARM_MS_MIN = 5;

/** What is limited. */
export interface LimitedAttempt {
  /** Nothing came for too long: by the client's deadline, which concerns the head alone, or by the service's timeout. */
  onLate(by: 'deadline' | 'timeout'): void;
  /** Time to look whether a stream pauses. Returns whether to look again. */
  onStallCheck(): boolean;
}

/** The limit of one attempt; runs from its beginning until `stop`. */
export class TimeLimit extends TimeoutEntry {
  readonly #exchange: AttemptOwner;
  readonly #attempt: LimitedAttempt;
  readonly #headLimitMs: number;
  readonly #byDeadline: boolean;
  /** Only for limits that are not the service's own timeout: those share one timer. */
  #timer: NodeJS.Timeout | null = null;
  /** When the instance was last heard, ms on the stopwatch. */
  #heardMs: number;
  #headCame = false;
  /** Something came since `#heardMs`. */
  #progressed = false;

  constructor(exchange: AttemptOwner, attempt: LimitedAttempt, nowMs: number) {
    super();
    this.#exchange = exchange;
    this.#attempt = attempt;
    this.#heardMs = exchange.stopwatch.elapsedMs(nowMs);
    const { timeouts, config } = exchange.service;
    const askedLeftMs = exchange.deadline.askedLeftMs(nowMs);
    this.#byDeadline = askedLeftMs < config.timeoutMs;
    this.#headLimitMs = Math.max(1, Math.min(config.timeoutMs, askedLeftMs));
    if (this.#byDeadline) this.#timer = setTimeout(check, this.#headLimitMs, this);
    else timeouts.add(this, nowMs);
  }

  /** When the instance was last heard for certain, ms on the stopwatch: the head, before a piece of the body came. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** The head came; the deadline has no more to say. */
  headCame(nowMs: number): void {
    this.#headCame = true;
    this.#heardMs = this.#exchange.stopwatch.elapsedMs(nowMs);
  }

  /** A piece of the body came. When exactly would cost a look at the clock for every piece. */
  progressed(): void {
    this.#progressed = true;
  }

  /** Begins to ask the attempt every `stallMs` whether it pauses; null lets it pause for as long as it likes. */
  watchPauses(stallMs: number | null): void {
    this.stop();
    if (stallMs !== null) this.#timer = setTimeout(checkStall, stallMs, this);
  }

  /** The end, or a stream whose next event may be long in coming. */
  stop(): void {
    this.cancelTimeout();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Fires, once the head is there, after up to twice the limit. */
  override onTimeout(): void {
    const { stopwatch, service } = this.#exchange;
    const elapsedMs = stopwatch.elapsedMs(this.#exchange.nowMs());
    if (this.#progressed) {
      this.#progressed = false;
      this.#heardMs = elapsedMs;
    }
    const limitMs = this.#headCame ? service.config.timeoutMs : this.#headLimitMs;
    const leftMs = limitMs - (elapsedMs - this.#heardMs);
    if (leftMs > 1) this.#timer = setTimeout(check, Math.max(leftMs, REARM_MS_MIN), this);
    else this.#attempt.onLate(this.#byDeadline && !this.#headCame ? 'deadline' : 'timeout');
  }

  onStallTimer(): void {
    if (this.#attempt.onStallCheck()) this.#timer?.refresh();
  }
}

function check(limit: TimeLimit): void {
  limit.onTimeout();
}

function checkStall(limit: TimeLimit): void {
  limit.onStallTimer();
}
