// What is in flight: one row an attempt in typed arrays, linked per instance in the order of starting, so that the oldest is
// found at once and nothing is allocated per request. Freed rows are chained and used again.

import { NO_HANDLE } from '../domain.ts';
import { type FlightView, NO_FLIGHT } from '../policies/policy.ts';
import type { SharedFlights } from './shared-flights.ts';

/** Rows to begin with; the table doubles as needed up to its maximum. */
const ROWS_FIRST = 64;

/** Attempts in flight by ticket, and for each instance how many there are and when the oldest was sent. */
export class FlightTable implements FlightView {
  readonly #rowsMax: number;
  /** Null: no other event loop sends to these instances. */
  readonly #shared: SharedFlights | null;
  #slot = new Int32Array(0);
  #startMs = new Float64Array(ROWS_FIRST);
  #handle = new Int32Array(ROWS_FIRST).fill(NO_HANDLE);
  #ahead = new Int32Array(ROWS_FIRST);
  /** What was asked; set by what adds the attempt. */
  question = new Float64Array(ROWS_FIRST);
  #next = new Int32Array(ROWS_FIRST);
  #previous = new Int32Array(ROWS_FIRST);
  #head = new Int32Array(0);
  #tail = new Int32Array(0);
  #count = new Int32Array(0);
  #free = NO_FLIGHT;
  #used = 0;
  #total = 0;

  /** `rowsMax` attempts are kept at the most; further ones go untracked. */
  constructor(rowsMax: number, shared: SharedFlights | null = null) {
    this.#rowsMax = rowsMax;
    this.#shared = shared;
  }

  /** Other event loops send to these instances as well, and what `all` says may change at any time. */
  get isShared(): boolean {
    return this.#shared !== null;
  }

  /** Attempts in flight everywhere, those at instances that are gone included. */
  get total(): number {
    return this.#total;
  }

  count(handle: number): number {
    return this.#count[handle] ?? 0;
  }

  /** Attempts in flight at the instance, of all event loops. */
  all(handle: number): number {
    const own = this.count(handle);
    return this.#shared === null ? own : Math.max(own, this.#shared.all(this.#slot[handle] as number));
  }

  oldest(handle: number): number {
    return this.#head[handle] ?? NO_FLIGHT;
  }

  next(ticket: number): number {
    return this.#next[ticket] ?? NO_FLIGHT;
  }

  startMs(ticket: number): number {
    return this.#startMs[ticket] ?? Number.NaN;
  }

  /** Attempts that were in flight at the same instance when this one started, of all event loops. */
  ahead(ticket: number): number {
    return this.#ahead[ticket] ?? 0;
  }

  /** The instance of an attempt; `NO_HANDLE` once that is gone. */
  handleOf(ticket: number): number {
    return this.#handle[ticket] ?? NO_HANDLE;
  }

  /** When the oldest attempt at the instance began; +Infinity when none is in flight. */
  oldestStartMs(handle: number): number {
    const ticket = this.oldest(handle);
    return ticket === NO_FLIGHT ? Number.POSITIVE_INFINITY : this.startMs(ticket);
  }

  /** How long attempts at the instance are under way, those below `fromMs` and from `toMs` on left out. */
  agesMs(handle: number, fromMs: number, toMs: number, nowMs: number): number[] {
    const agesMs: number[] = [];
    for (let ticket = this.oldest(handle); ticket !== NO_FLIGHT; ticket = this.next(ticket)) {
      const ageMs = nowMs - this.startMs(ticket);
      // Oldest first: the rest is younger still.
      if (ageMs < fromMs) break;
      if (ageMs < toMs) agesMs.push(ageMs);
    }
    return agesMs;
  }

  /** The handle means another instance, `key` of `service`, from now on. */
  begin(handle: number, service: string, key: string): void {
    this.ensureHandles(handle + 1);
    if (this.#shared !== null) this.#slot[handle] = this.#shared.slotOf(service, key);
  }

  ensureHandles(handles: number): void {
    if (handles <= this.#head.length) return;
    const size = Math.max(8, handles, this.#head.length * 2);
    this.#slot = grown(this.#slot, size, 0);
    this.#head = grown(this.#head, size, NO_FLIGHT);
    this.#tail = grown(this.#tail, size, NO_FLIGHT);
    this.#count = grown(this.#count, size, 0);
  }

  /** Takes in an attempt that starts now; `NO_HANDLE` for one whose instance is gone. Returns `NO_FLIGHT` when the table is full. */
  add(handle: number, startMs: number): number {
    const ticket = this.#takeRow();
    if (ticket === NO_FLIGHT) return NO_FLIGHT;
    this.#total++;
    this.#startMs[ticket] = startMs;
    this.#handle[ticket] = handle;
    this.#next[ticket] = NO_FLIGHT;
    this.#ahead[ticket] = handle === NO_HANDLE ? 0 : this.all(handle);
    if (handle === NO_HANDLE) return ticket;
    const tail = this.#tail[handle] ?? NO_FLIGHT;
    this.#previous[ticket] = tail;
    if (tail === NO_FLIGHT) this.#head[handle] = ticket;
    else this.#next[tail] = ticket;
    this.#tail[handle] = ticket;
    this.#count[handle] = (this.#count[handle] ?? 0) + 1;
    this.#share(handle, 1);
    return ticket;
  }

  remove(ticket: number): void {
    this.#total--;
    const handle = this.handleOf(ticket);
    if (handle !== NO_HANDLE) this.#unlink(ticket, handle);
    this.#handle[ticket] = NO_HANDLE;
    this.#next[ticket] = this.#free;
    this.#free = ticket;
  }

  /** The instance is gone: its attempts stay in flight but belong to no instance, so that its handle may be used again. */
  orphan(handle: number): void {
    for (let ticket = this.oldest(handle); ticket !== NO_FLIGHT; ticket = this.next(ticket)) {
      this.#handle[ticket] = NO_HANDLE;
    }
    this.#share(handle, -this.count(handle));
    this.#head[handle] = NO_FLIGHT;
    this.#tail[handle] = NO_FLIGHT;
    this.#count[handle] = 0;
  }

  #share(handle: number, count: number): void {
    if (this.#shared !== null) this.#shared.add(this.#slot[handle] as number, count);
  }

  #unlink(ticket: number, handle: number): void {
    const previous = this.#previous[ticket] ?? NO_FLIGHT;
    const next = this.#next[ticket] ?? NO_FLIGHT;
    if (previous === NO_FLIGHT) this.#head[handle] = next;
    else this.#next[previous] = next;
    if (next === NO_FLIGHT) this.#tail[handle] = previous;
    else this.#previous[next] = previous;
    this.#count[handle] = (this.#count[handle] ?? 0) - 1;
    this.#share(handle, -1);
  }

  #takeRow(): number {
    const freed = this.#free;
    if (freed !== NO_FLIGHT) {
      this.#free = this.#next[freed] ?? NO_FLIGHT;
      return freed;
    }
    if (this.#used === this.#rowsMax) return NO_FLIGHT;
    if (this.#used === this.#startMs.length) this.#growRows(Math.min(this.#rowsMax, this.#used * 2));
    return this.#used++;
  }

  #growRows(rows: number): void {
    const startMs = new Float64Array(rows);
    startMs.set(this.#startMs);
    this.#startMs = startMs;
    const question = new Float64Array(rows);
    question.set(this.question);
    this.question = question;
    this.#handle = grown(this.#handle, rows, NO_HANDLE);
    this.#ahead = grown(this.#ahead, rows, 0);
    this.#next = grown(this.#next, rows, NO_FLIGHT);
    this.#previous = grown(this.#previous, rows, NO_FLIGHT);
  }
}

function grown(array: Int32Array<ArrayBuffer>, length: number, fill: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length).fill(fill);
  larger.set(array);
  return larger;
}
