// What qedge keeps over a restart, written behind: a failing disk is reported and counted, and nothing ever waits for it.
// The file lives on a thread of its own (thread.ts); this side works out what changed, and hands that over.

import { CommandError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { ageOf, type BootClock, createBootClock, type SavedAt } from './boot-clock.ts';
import { StoreCondition, type StoreHealth } from './condition.ts';
import type { OpenedFile, StoreAnswer, StoreFailure, StoreRequest } from './messages.ts';
import { createStoreMetrics, type StoreFacts, type StoreMetrics } from './metrics.ts';
import { RowLedger, type SavedState } from './rows/ledger.ts';
import type { RestoredState, StoreState } from './state.ts';
import { takeStoreThread } from './store-thread.ts';

export interface StoreOptions {
  /** The SQLite file; its directory is made when it is missing. */
  readonly path: string;
  /** Time between writes, which a killed process may lose. */
  readonly flushMs: number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The machine's own when absent. */
  readonly clock?: BootClock;
  /** What an earlier run kept, when the disk took longer than a start waits. */
  readonly onLate?: (kept: RestoredState) => void;
  /** What becomes of a start whose file another process has: it fails, or goes on without what was kept. `fail` when absent. */
  readonly inUse?: 'fail' | 'go-on';
  /** A start waits for the disk this long, ms. */
  readonly loadMsMax?: number;
  /** Called when the disk begins to fail and when it is well again. */
  readonly onHealth?: (health: StoreHealth) => void;
}

/** What survives a restart. Nothing here throws for a disk that fails: it says so and goes on without. */
export interface Store {
  /**
   * What an earlier run kept; null on a cold start, and when the disk takes longer than a start waits: then it goes to
   * `onLate`. To be called once, before `start`.
   *
   * @throws CommandError when another process uses the file, where that is to fail the start
   */
  load(): Promise<RestoredState | null>;
  /** Writes what `collect` returns, every `flushMs` from now on. */
  start(collect: () => StoreState): void;
  /** Writes now; resolves when it is written. Never throws: a failing disk is logged and counted. */
  flush(): Promise<void>;
  facts(): StoreFacts;
  /** The path that it was asked to open; null while no file is open. */
  readonly openPath: string | null;
  /** A last write, put on the disk where that is quick, and the file closed. False when it took too long. Never throws. */
  close(): Promise<boolean>;
}

/** How long a start waits for the lock of another process, which may still be on its way out. */
const LOCK_WAIT_MS = 1000;

/** A start waits for the disk this long; the lock is part of it. */
const LOAD_MS_MAX = 3000;

/** What comes later than this after the start is older than what was learned since. */
const LATE_MS_MAX = 60_000;

/** A stop waits for the disk this long: what is left of the unit's `TimeoutStopSec=` after a drain. */
const CLOSE_MS_MAX = 6000;

/** A disk that is silent for so long counts as failing. */
const SILENCE_MS_MAX = 10_000;

/**
 * A stop puts everything on the disk where the last sync took no longer than this. A disk that is slower, or that was never
 * tried, is left to the kernel: nothing ends a process that waits for its disk, not even the service manager.
 */
const QUICK_SYNC_MS = 1000;

/** The first sync of a run: what a stop goes by should be known soon. */
const FIRST_SYNC_MS = 30_000;

/** How often what was written is put on the disk: what a power cut may lose, besides one flush. */
const SYNC_INTERVAL_MS = 60_000;

/** A file that could not be opened is tried again this often. */
const REOPEN_INTERVAL_MS = 60_000;

/** Begins to open the store. A disk that fails makes it a store that keeps nothing for now: it says so and tries again. */
export function openStore(options: StoreOptions): Store {
  return new SqliteStore(options);
}

const SILENT: StoreFailure = { kind: 'other', reason: 'the disk does not answer', code: '', movedTo: null };

class SqliteStore implements Store {
  readonly #options: StoreOptions;
  readonly #clock: BootClock;
  readonly #metrics: StoreMetrics;
  #thread = takeStoreThread();
  #ledger = new RowLedger();
  /** What the thread does now; one thing at a time. */
  #work = Promise.resolve();
  #busy = false;
  /** Null while no file is open. */
  #path: string | null = null;
  #bytes: number | null = null;
  /** What was read from the file; null once it is loaded. */
  #saved: SavedState | null = null;
  /** How the first file is opened: until it is late, or too late. */
  #loading: 'in-time' | 'late' | 'over' = 'in-time';
  #inUse: StoreFailure | null = null;
  #collect: (() => StoreState) | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #condition: StoreCondition;
  #lastFlushMs: number | null = null;
  /** Whether the last sync was quick. */
  #syncIsQuick = false;
  #nextOpenMs = 0;
  #nextSyncMs: number;
  #closed: Promise<boolean> | null = null;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#clock = options.clock ?? createBootClock();
    this.#metrics = createStoreMetrics(options.metrics, () => this.facts());
    this.#condition = new StoreCondition({ ...options, onFailure: (failure) => this.#metrics.failure(failure) });
    this.#nextSyncMs = this.#clock.uptimeMs() + FIRST_SYNC_MS;
    this.#begin(() => this.#open(LOCK_WAIT_MS));
  }

  async load(): Promise<RestoredState | null> {
    const inTime = await within(this.#options.loadMsMax ?? LOAD_MS_MAX, this.#work);
    this.#loading = inTime ? 'over' : 'late';
    if (this.#inUse !== null) throw new CommandError(this.#inUse.reason);
    if (inTime) return this.#takeSaved();
    this.#condition.failed('write', SILENT);
    setTimeout(() => {
      this.#loading = 'over';
    }, LATE_MS_MAX).unref();
    return null;
  }

  start(collect: () => StoreState): void {
    this.#collect = collect;
    this.#timer = setInterval(() => {
      // While the disk takes its time nothing piles up: a later flush takes it along.
      if (!this.#busy) void this.flush();
    }, this.#options.flushMs);
    this.#timer.unref();
  }

  async flush(): Promise<void> {
    while (this.#busy) await this.#work;
    if (this.#closed !== null) return;
    this.#begin(() => this.#round());
    await this.#work;
  }

  get openPath(): string | null {
    return this.#path === null ? null : this.#options.path;
  }

  facts(): StoreFacts {
    const { ok, reason } = this.#condition.health;
    const path = this.#path ?? this.#options.path;
    return { path, ok, detail: reason, lastFlushMs: this.#lastFlushMs, bytes: this.#bytes };
  }

  close(): Promise<boolean> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #begin(work: () => Promise<void>): void {
    this.#busy = true;
    const silence = setTimeout(() => this.#condition.failed('write', SILENT), SILENCE_MS_MAX);
    silence.unref();
    this.#work = work().finally(() => {
      clearTimeout(silence);
      this.#busy = false;
    });
  }

  async #round(): Promise<void> {
    const nowMs = this.#clock.uptimeMs();
    if (this.#path === null && nowMs >= this.#nextOpenMs) await this.#open(0);
    if (this.#path === null) return;
    await this.#write(false);
    if (this.#path !== null && nowMs >= this.#nextSyncMs) await this.#sync();
  }

  async #open(lockWaitMs: number): Promise<void> {
    this.#nextOpenMs = this.#clock.uptimeMs() + REOPEN_INTERVAL_MS;
    if (this.#thread.hasEnded) this.#thread = takeStoreThread();
    const { path } = this.#options;
    const answer = await this.#thread.ask({ kind: 'open', path, wallMs: this.#clock.wallMs(), lockWaitMs });
    if (answer.ok && answer.opened !== null) this.#opened(answer.opened, answer.bytes);
    else if (!answer.ok && this.#isFatal(answer.failure)) this.#inUse = answer.failure;
    else if (!answer.ok) this.#condition.failed('write', answer.failure);
  }

  #isFatal({ kind }: StoreFailure): boolean {
    return kind === 'in-use' && this.#loading === 'in-time' && this.#options.inUse !== 'go-on';
  }

  #opened({ path, rows, unusable }: OpenedFile, bytes: number | null): void {
    const { log } = this.#options;
    this.#path = path;
    this.#bytes = bytes;
    if (unusable !== null) log.error({ path, ...unusable }, 'store file was unusable, a new one begins');
    log.info({ path }, 'store opened');
    this.#ledger = new RowLedger();
    this.#saved = this.#ledger.read(rows);
    const dropped = this.#saved?.dropped ?? 0;
    this.#metrics.dropped.increment(dropped);
    if (dropped > 0) log.warn({ path, rows: dropped }, 'store rows that do not fit were dropped');
    if (this.#loading === 'in-time') return;
    const kept = this.#takeSaved();
    if (this.#loading === 'late' && kept !== null) this.#options.onLate?.(kept);
    this.#loading = 'over';
  }

  #takeSaved(): RestoredState | null {
    if (this.#saved === null) return null;
    const { savedAt, dropped: _, ...state } = this.#saved;
    this.#saved = null;
    return { ...state, ageMs: ageOf(savedAt, this.#clock) };
  }

  async #write(last: boolean): Promise<void> {
    if (this.#path === null || this.#collect === null) return;
    const startMs = performance.now();
    const pending = this.#ledger.changes(this.#collect(), { savedAt: this.#savedAt(), last });
    this.#metrics.flushSeconds.observe((performance.now() - startMs) / 1000);
    const write = { kind: 'write', wallMs: this.#clock.wallMs() } as const;
    const answer = await this.#ask(pending === null ? { kind: 'look' } : { ...write, changes: pending.changes });
    if (!answer.ok) return this.#writeFailed(answer.failure);
    pending?.committed();
    this.#metrics.rows.increment(pending?.rows ?? 0);
    this.#metrics.flushes.increment();
    this.#lastFlushMs = this.#clock.wallMs();
    this.#condition.well('write');
  }

  #writeFailed(failure: StoreFailure): void {
    this.#condition.failed('write', failure);
    const path = this.#path;
    const isLost = failure.kind === 'corrupt' || failure.kind === 'gone';
    // A thread that ended is followed by a new one, no sooner than a file that could not be opened is tried again.
    if (isLost || this.#thread.hasEnded) this.#path = null;
    if (!isLost) return;
    this.#nextOpenMs = 0;
    const how = failure.kind === 'gone' ? 'removed' : 'damaged';
    this.#options.log.error({ path, movedTo: failure.movedTo }, `store file was ${how} in use, a new one begins`);
  }

  async #sync(): Promise<void> {
    this.#nextSyncMs = this.#clock.uptimeMs() + SYNC_INTERVAL_MS;
    const startMs = performance.now();
    const answer = await this.#ask({ kind: 'sync' });
    this.#syncIsQuick = answer.ok && performance.now() - startMs < QUICK_SYNC_MS;
    if (answer.ok) this.#condition.well('sync');
    else this.#condition.failed('sync', answer.failure);
  }

  async #close(): Promise<boolean> {
    if (this.#timer !== null) clearInterval(this.#timer);
    const { log, path } = this.#options;
    const closing = this.#work.then(() => this.#end());
    if (await within(CLOSE_MS_MAX, closing)) return true;
    this.#thread.leave();
    log.error({ path }, 'store was not closed: the disk does not answer');
    return false;
  }

  async #end(): Promise<void> {
    await this.#write(true);
    const answer = await this.#thread.ask({ kind: 'close', sync: this.#syncIsQuick });
    if (answer.ok) return;
    this.#options.log.error({ reason: answer.failure.reason }, 'store could not be closed in order');
  }

  async #ask(request: StoreRequest): Promise<StoreAnswer> {
    const startMs = performance.now();
    const answer = await this.#thread.ask(request);
    this.#metrics.writeSeconds.observe((performance.now() - startMs) / 1000);
    if (answer.ok) this.#bytes = answer.bytes;
    return answer;
  }

  #savedAt(): SavedAt {
    return { bootId: this.#clock.bootId, uptimeMs: this.#clock.uptimeMs(), wallMs: this.#clock.wallMs() };
  }
}

/** True when the work is done in time; it goes on in either case. */
async function within(ms: number, work: Promise<void>): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(late.resolve, ms, false);
  const inTime = await Promise.race([work.then(() => true), late.promise]);
  clearTimeout(timer);
  return inTime;
}
