// Each client's success over W. QoS is promised per client (eq. 6), so it is accounted per client: a bounded table that
// forgets the client not seen for longest when it is full.

import type { ClientState } from '../domain.ts';
import { ownCopy } from '../own-copy.ts';
import { WindowCounts } from './window-counts.ts';

/** Rows to begin with; the table doubles up to its maximum. */
const ROWS_FIRST = 64;
const NONE = -1;

/** Row of a client that is not known. */
export const NO_ROW = NONE;

/** How a client fares, and its row. */
export interface SeenClient extends ClientState {
  readonly row: number;
}

/** Successes by client over the window; the client that was idle for longest leaves first. */
export class ClientLedger {
  readonly #clientsMax: number;
  readonly #onForgotten: (row: number) => void;
  readonly #counts: WindowCounts;
  /** All requests together, anonymous ones and those of forgotten clients included. */
  readonly #overall: WindowCounts;
  readonly #rows = new Map<string, number>();
  readonly #names: string[] = [];
  /** Doubly linked by last use, so that finding the one to forget costs nothing. */
  #newer = new Int32Array(ROWS_FIRST);
  #older = new Int32Array(ROWS_FIRST);
  #newest = NONE;
  #oldest = NONE;

  /** `onForgotten` is called when the row of a client becomes free for another. */
  constructor(windowMs: number, clientsMax: number, onForgotten: (row: number) => void = () => {}) {
    this.#clientsMax = clientsMax;
    this.#onForgotten = onForgotten;
    this.#counts = new WindowCounts(windowMs, Math.min(ROWS_FIRST, clientsMax));
    this.#overall = new WindowCounts(windowMs, 1);
  }

  /** A request of the client ended; an anonymous one (empty id) counts only overall. Returns the row of the client, or `NO_ROW`. */
  record(clientId: string, success: boolean, nowMs: number): number {
    this.#overall.record(0, success, nowMs);
    if (clientId === '') return NO_ROW;
    const row = this.rowOf(clientId);
    this.#counts.record(row, success, nowMs);
    return row;
  }

  /** A success that was recorded at `recordedMs` was none. */
  retract(clientId: string, recordedMs: number, nowMs: number): void {
    this.#overall.retract(0, recordedMs, nowMs);
    if (clientId === '') return;
    this.#counts.retract(this.rowOf(clientId), recordedMs, nowMs);
  }

  overallSuccessRatio(nowMs: number): number {
    return this.#overall.good(0, nowMs) / this.#overall.total(0, nowMs);
  }

  /** Share of the clients seen within W whose own success is at least `successRatio`; null without clients. */
  satisfiedRatio(successRatio: number, nowMs: number): number | null {
    let clients = 0;
    let satisfied = 0;
    for (const row of this.#rows.values()) {
      const total = this.#counts.total(row, nowMs);
      if (total === 0) continue;
      clients++;
      if (this.#counts.good(row, nowMs) / total >= successRatio) satisfied++;
    }
    return clients === 0 ? null : satisfied / clients;
  }

  /** Clients seen within W, worst served first, at most `limit`. */
  worst(limit: number, nowMs: number): ClientState[] {
    const states = [...this.seen(nowMs)].map(({ row: _, ...state }): ClientState => state);
    states.sort(
      (a, b) => a.successRatio - b.successRatio || b.requests - a.requests || (a.clientId < b.clientId ? -1 : 1),
    );
    return states.slice(0, limit);
  }

  /** The row of the client where it has one, else `NO_ROW`; nothing changes. */
  find(clientId: string): number {
    // A client whose answer just came is often the next to ask.
    if (this.#names[this.#newest] === clientId) return this.#newest;
    return this.#rows.get(clientId) ?? NO_ROW;
  }

  /** Clients seen within W, in no particular order. */
  *seen(nowMs: number): Generator<SeenClient> {
    for (const [clientId, row] of this.#rows) {
      const requests = this.#counts.total(row, nowMs);
      if (requests > 0) yield { clientId, row, requests, successRatio: this.#counts.good(row, nowMs) / requests };
    }
  }

  /** `[clientId, requests, good]` of every client seen within W, least recently seen first. */
  snapshot(nowMs: number): unknown {
    const rows: [string, number, number][] = [];
    for (let row = this.#oldest; row !== NONE; row = this.#newer[row] ?? NONE) {
      const total = this.#counts.total(row, nowMs);
      if (total > 0) rows.push([this.#names[row] ?? '', total, this.#counts.good(row, nowMs)]);
    }
    return rows;
  }

  /** Takes back a snapshot that is `ageMs` old; what was counted counts as of then. Ignores other shapes. */
  restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    if (!Array.isArray(snapshot)) return;
    for (const entry of snapshot as readonly unknown[]) {
      if (!Array.isArray(entry)) continue;
      const [clientId, total, good] = entry as readonly unknown[];
      if (typeof clientId !== 'string' || clientId === '' || !isCount(total) || !isCount(good) || good > total)
        continue;
      const row = this.rowOf(clientId);
      this.#counts.clear(row);
      this.#counts.add(row, { total, good }, nowMs - ageMs);
    }
  }

  clear(): void {
    this.#overall.clear(0);
    for (const row of this.#rows.values()) this.#onForgotten(row);
    this.#rows.clear();
    this.#names.length = 0;
    this.#newest = NONE;
    this.#oldest = NONE;
    for (let row = 0; row < this.#counts.rows; row++) this.#counts.clear(row);
  }

  /** The row of the client, made the most recently used; a new client may take the row of the one unseen for longest. */
  rowOf(clientId: string): number {
    const known = this.#rows.get(clientId);
    if (known !== undefined) {
      if (known !== this.#newest) {
        this.#unlink(known);
        this.#linkNewest(known);
      }
      return known;
    }
    const row = this.#rows.size < this.#clientsMax ? this.#addRow() : this.#evictOldest();
    const name = ownCopy(clientId);
    this.#names[row] = name;
    this.#rows.set(name, row);
    this.#linkNewest(row);
    return row;
  }

  #addRow(): number {
    const row = this.#rows.size;
    if (row >= this.#newer.length) {
      const rows = Math.min(this.#clientsMax, this.#newer.length * 2);
      const newer = new Int32Array(rows);
      newer.set(this.#newer);
      const older = new Int32Array(rows);
      older.set(this.#older);
      this.#newer = newer;
      this.#older = older;
      this.#counts.ensureRows(rows);
    }
    return row;
  }

  #evictOldest(): number {
    const row = this.#oldest;
    this.#unlink(row);
    this.#rows.delete(this.#names[row] ?? '');
    this.#counts.clear(row);
    this.#onForgotten(row);
    return row;
  }

  #unlink(row: number): void {
    const newer = this.#newer[row] ?? NONE;
    const older = this.#older[row] ?? NONE;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }

  #linkNewest(row: number): void {
    this.#older[row] = this.#newest;
    this.#newer[row] = NONE;
    if (this.#newest === NONE) this.#oldest = row;
    else this.#newer[this.#newest] = row;
    this.#newest = row;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
