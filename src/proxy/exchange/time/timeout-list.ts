// Timeouts that all last equally long, such as those of a service's attempts: due in the order in which they were set, so one
// list and one timer serve all. Nearly every one is cancelled before it is due, and that costs two writes.

/** One timeout, a node of the list. */
export abstract class TimeoutEntry {
  previous: TimeoutEntry | null = null;
  next: TimeoutEntry | null = null;
  list: TimeoutList | null = null;
  dueMs = 0;

  abstract onTimeout(): void;

  /** Cancels the timeout; does nothing when none is set. */
  cancelTimeout(): void {
    this.list?.remove(this);
  }
}

/** Timeouts of one length: one timer for all of them. */
export class TimeoutList {
  readonly #afterMs: number;
  readonly #nowMs: () => number;
  #first: TimeoutEntry | null = null;
  #last: TimeoutEntry | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(afterMs: number, nowMs: () => number) {
    this.#afterMs = afterMs;
    this.#nowMs = nowMs;
  }

  /** `entry` must not be in a list. */
  add(entry: TimeoutEntry, nowMs: number): void {
    entry.list = this;
    entry.dueMs = nowMs + this.#afterMs;
    entry.previous = this.#last;
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    // The timer is not cancelled with its timeout: at worst it fires for nothing.
    this.#timer ??= this.#schedule(this.#afterMs);
  }

  remove(entry: TimeoutEntry): void {
    const { previous, next } = entry;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    entry.previous = null;
    entry.next = null;
    entry.list = null;
  }

  #schedule(inMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#fire(), Math.max(1, inMs)).unref();
  }

  #fire(): void {
    const nowMs = this.#nowMs();
    // Timers of Node fire up to a millisecond early.
    while (this.#first !== null && this.#first.dueMs <= nowMs + 1) {
      const due = this.#first;
      this.remove(due);
      due.onTimeout();
    }
    this.#timer = this.#first === null ? null : this.#schedule(this.#first.dueMs - nowMs);
  }
}
