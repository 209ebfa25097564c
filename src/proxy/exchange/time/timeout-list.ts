// Timeouts that all last equally long, such as those of a service's attempts: due in the order in which they were set, so a
// list and one timer do for all of them. Nearly every one is taken off again before it is due, and that costs two writes.

/** What is waited for: a link of the list. */
export abstract class Timed {
  previous: Timed | null = null;
  next: Timed | null = null;
  list: TimeoutList | null = null;
  dueMs = 0;

  abstract onTimeout(): void;

  /** Not waited for any more. Harmless when it is not waited for. */
  cancelTimeout(): void {
    this.list?.remove(this);
  }
}

/** Timeouts of one length: one timer for all of them. */
export class TimeoutList {
  readonly #afterMs: number;
  readonly #nowMs: () => number;
  #first: Timed | null = null;
  #last: Timed | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(afterMs: number, nowMs: () => number) {
    this.#afterMs = afterMs;
    this.#nowMs = nowMs;
  }

  /** `timed` must not be in a list. */
  add(timed: Timed, nowMs: number): void {
    timed.list = this;
    timed.dueMs = nowMs + this.#afterMs;
    timed.previous = this.#last;
    if (this.#last === null) this.#first = timed;
    else this.#last.next = timed;
    this.#last = timed;
    // The timer stays when its reason is gone: it finds out when it fires, at most once a timeout.
    this.#timer ??= this.#schedule(this.#afterMs);
  }

  remove(timed: Timed): void {
    const { previous, next } = timed;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    timed.previous = null;
    timed.next = null;
    timed.list = null;
  }

  #schedule(inMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#fire(), Math.max(1, inMs)).unref();
  }

  #fire(): void {
    const nowMs = this.#nowMs();
    // Timers of Node come up to a millisecond early.
    while (this.#first !== null && this.#first.dueMs <= nowMs + 1) {
      const due = this.#first;
      this.remove(due);
      due.onTimeout();
    }
    this.#timer = this.#first === null ? null : this.#schedule(this.#first.dueMs - nowMs);
  }
}
