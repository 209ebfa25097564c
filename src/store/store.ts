// What qedge keeps over a restart, written behind: a failing disk is told and counted, and traffic never waits for it.

import { realpathSync, statSync } from 'node:fs';
import { CommandError } from '../errors.ts';
import { loadSqliteBinding } from '../sea.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { ageOf, type BootClock, createBootClock } from './boot-clock.ts';
import { isCorruption, moveAside, openDatabase, StoreInUseError, sqliteCode } from './database.ts';
import { Durability } from './durability.ts';
import { RowWriter, type SavedState } from './row-writer.ts';
import type { RestoredState, StoreState } from './state.ts';
import { createStoreMetrics, type StoreMetrics } from './store-metrics.ts';

export interface StoreOptions {
  /** The SQLite file; its directory is made when it is missing. */
  readonly path: string;
  /** Between writes; what a killed process may lose. */
  readonly flushMs: number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The machine's own when absent. */
  readonly clock?: BootClock;
  /** Told when the disk begins to fail and when it is well again. */
  readonly onHealth?: (health: StoreHealth) => void;
}

export interface StoreHealth {
  readonly ok: boolean;
  /** What is wrong; empty when nothing is. */
  readonly reason: string;
}

export interface StoreFacts {
  readonly path: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Wall clock, ms since the epoch; null before the first. */
  readonly lastFlushMs: number | null;
  /** Size on disk, WAL included; null when there is no file. */
  readonly bytes: number | null;
}

export interface Store {
  /** What an earlier run kept; null on a cold start. To be called before `start`. */
  load(): RestoredState | null;
  /** Writes what `collect` returns, every `flushMs` from now on. */
  start(collect: () => StoreState): void;
  /**
   * Writes now; resolves when nothing more is on its way to the disk. Never throws: a failing disk is logged and counted.
   * The write itself happens before it returns.
   */
  flush(): Promise<void>;
  facts(): StoreFacts;
  /** A last write, put on the disk, and the file closed. Never throws. */
  close(): Promise<void>;
}

/** At the start another process may still be on its way out; blocks for as long at most. */
const LOCK_WAIT_MS = 2000;

/** How often what was written is put on the disk: what a power cut may lose, besides one flush. */
const SYNC_INTERVAL_MS = 60_000;

/** A file that could not be opened is tried again this often. */
const REOPEN_INTERVAL_MS = 60_000;

/**
 * Opens the store. A disk that fails makes it a store that keeps nothing for now: it says so and tries again.
 *
 * @throws CommandError when another process uses the file
 */
export function openStore(options: StoreOptions): Store {
  const store = new SqliteStore(options);
  store.open(LOCK_WAIT_MS);
  return store;
}

interface OpenFile {
  readonly path: string;
  readonly writer: RowWriter;
  /** What it held when it was opened. */
  readonly saved: SavedState | null;
  readonly durability: Durability;
  close(): void;
}

class SqliteStore implements Store {
  readonly #options: StoreOptions;
  readonly #clock: BootClock;
  readonly #metrics: StoreMetrics;
  #file: OpenFile | null = null;
  /** Until it is loaded. */
  #saved: SavedState | null = null;
  #collect: (() => StoreState) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #syncing: Promise<void> | null = null;
  #health: StoreHealth = { ok: true, reason: '' };
  #lastFlushMs: number | null = null;
  #nextOpenMs = 0;
  #nextSyncMs: number;
  #closed = false;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#clock = options.clock ?? createBootClock();
    this.#metrics = createStoreMetrics(options.metrics, () => this.facts());
    this.#nextSyncMs = this.#clock.uptimeMs() + SYNC_INTERVAL_MS;
  }

  open(lockWaitMs: number): void {
    const { log } = this.#options;
    this.#nextOpenMs = this.#clock.uptimeMs() + REOPEN_INTERVAL_MS;
    try {
      this.#file = this.#openFile(lockWaitMs);
      this.#saved = this.#file.saved;
      log.info({ path: this.#file.path }, 'store opened');
      this.#tellDropped(this.#file);
    } catch (error) {
      if (error instanceof StoreInUseError) throw new CommandError(error.message, 1, error);
      this.#metrics.failure(error);
      this.#fail(error);
    }
  }

  load(): RestoredState | null {
    if (this.#saved === null) return null;
    const { savedAt, dropped: _, ...state } = this.#saved;
    this.#saved = null;
    return { ...state, ageMs: ageOf(savedAt, this.#clock) };
  }

  start(collect: () => StoreState): void {
    this.#collect = collect;
    this.#timer = setInterval(() => void this.flush(), this.#options.flushMs);
    this.#timer.unref();
  }

  async flush(): Promise<void> {
    // Nothing may be written while pages are on their way to the disk; the next flush takes it along.
    if (this.#syncing === null) {
      if (this.#file === null) this.#reopen();
      this.#write(false);
      if (this.#clock.uptimeMs() >= this.#nextSyncMs) this.#beginSync();
    }
    await this.#syncing;
  }

  facts(): StoreFacts {
    const path = this.#file?.path ?? this.#options.path;
    const { ok, reason } = this.#health;
    return { path, ok, detail: reason, lastFlushMs: this.#lastFlushMs, bytes: sizeOf(path) };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#syncing;
    this.#write(true);
    const file = this.#file;
    this.#file = null;
    try {
      await file?.durability.checkpoint();
      file?.close();
    } catch (error) {
      this.#options.log.error({ err: error }, 'store could not be closed in order');
    }
  }

  #write(last: boolean): void {
    if (this.#file === null || this.#collect === null) return;
    try {
      const startMs = performance.now();
      this.#metrics.rows.increment(this.#file.writer.write(this.#collect(), last));
      this.#metrics.flushes.increment();
      this.#metrics.flushSeconds.observe((performance.now() - startMs) / 1000);
      this.#lastFlushMs = this.#clock.wallMs();
      this.#succeed();
    } catch (error) {
      this.#metrics.failure(error);
      if (isCorruption(error)) this.#replaceFile(error);
      else this.#fail(error);
    }
  }

  #beginSync(): void {
    const file = this.#file;
    if (file === null) return;
    this.#nextSyncMs = this.#clock.uptimeMs() + SYNC_INTERVAL_MS;
    this.#syncing = file.durability
      .sync()
      .catch((error: unknown) => {
        this.#metrics.failure(error);
        this.#fail(error);
      })
      .finally(() => {
        this.#syncing = null;
      });
  }

  #openFile(lockWaitMs: number): OpenFile {
    const { path: wanted, log } = this.#options;
    const wallMs = this.#clock.wallMs();
    const { database, path, content, unusable } = openDatabase(
      { path: wanted, nativeBinding: loadSqliteBinding(), wallMs, lockWaitMs },
      (opened) => {
        const writer = new RowWriter(opened, this.#clock);
        return { writer, saved: writer.read() };
      },
    );
    if (unusable !== null) log.error({ path, ...unusable }, 'store file was unusable, begins anew');
    try {
      const durability = new Durability(database, realpathSync(path));
      const close = (): void => {
        database.close();
        durability.close();
      };
      return { ...content, path, durability, close };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #tellDropped({ path, saved }: OpenFile): void {
    if (saved === null || saved.dropped === 0) return;
    this.#metrics.dropped.increment(saved.dropped);
    this.#options.log.warn({ path, rows: saved.dropped }, 'store rows that do not fit were dropped');
  }

  /** The file could not be opened before: another try, which blocks for nobody. */
  #reopen(): void {
    if (this.#clock.uptimeMs() < this.#nextOpenMs) return;
    this.#nextOpenMs = this.#clock.uptimeMs() + REOPEN_INTERVAL_MS;
    try {
      this.#file = this.#openFile(0);
      this.#options.log.info({ path: this.#file.path }, 'store opened');
    } catch (error) {
      this.#metrics.failure(error);
      this.#fail(error);
    }
  }

  /** The content went bad while in use: it goes aside, and a new file begins with the next flush. */
  #replaceFile(error: unknown): void {
    const { log } = this.#options;
    const file = this.#file;
    this.#file = null;
    this.#nextOpenMs = 0;
    this.#fail(error);
    try {
      file?.close();
      if (file !== null)
        log.error({ to: moveAside(file.path, this.#clock.wallMs()), err: error }, 'store file was moved aside');
    } catch (cause) {
      log.error({ err: cause }, 'store file could not be moved aside');
    }
  }

  #fail(error: unknown): void {
    const reason = reasonOf(error);
    if (this.#health.reason !== reason) {
      this.#options.log.error({ path: this.#options.path, reason }, 'store fails, traffic goes on');
      this.#options.onHealth?.({ ok: false, reason });
    }
    this.#health = { ok: false, reason };
  }

  #succeed(): void {
    if (this.#health.ok) return;
    this.#health = { ok: true, reason: '' };
    this.#options.log.info({ path: this.#options.path }, 'store works again');
    this.#options.onHealth?.(this.#health);
  }
}

/** For people: which kind of failure, with SQLite's or the system's own code. */
function reasonOf(error: unknown): string {
  const code = sqliteCode(error);
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') return `the disk is full (${code})`;
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS') return `the disk is read-only (${code})`;
  if (code === 'EACCES' || code === 'EPERM') return `not allowed to write (${code})`;
  const message = error instanceof Error ? error.message : String(error);
  return code === '' ? message : `${message} (${code})`;
}

/** Null also where the path leads nowhere, in a circle, or where this process may not look. */
function sizeOf(path: string): number | null {
  try {
    return statSync(path).size + (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
  } catch {
    return null;
  }
}
