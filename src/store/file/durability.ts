// Makes what was written survive a power cut.
//
// SQLite runs with `synchronous = OFF`: a write reaches the page cache and survives a killed process there. What its
// own fsync calls would guarantee, the order in which pages reach the disk, is kept here, once a minute instead of with
// each write:
//
//   WAL synced → pages copied into the file (checkpoint) → file synced → WAL emptied → WAL synced
//
// Before each step everything it relies on is on the disk; a power cut in between finds either the WAL or the file whole.

import { closeSync, fstatSync, fsyncSync, openSync, statSync } from 'node:fs';
import type Database from 'better-sqlite3';

/** A checkpoint follows beyond this size of the WAL: some minutes of writing, so that a page is copied once for many changes. */
const WAL_BYTES_MAX = 1024 * 1024;

export class Durability {
  readonly #database: Database.Database;
  readonly #walPath: string;
  readonly #fileDescriptor: number;
  readonly #walDescriptor: number;
  /** A sync failed: the kernel may have dropped pages that it could not write, and marks them clean. */
  #syncUnfinished = false;

  /** Opens both files a second time and keeps them open: closing one earlier would drop the locks on it (fcntl(2)). */
  constructor(database: Database.Database, path: string) {
    this.#database = database;
    this.#walPath = `${path}-wal`;
    this.#fileDescriptor = openSync(path, 'r+');
    this.#walDescriptor = openSync(this.#walPath, 'r+');
  }

  get walBytes(): number {
    return statSync(this.#walPath, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** False: the WAL was removed or replaced, and what is written is lost with this process. */
  get isWalInPlace(): boolean {
    return statSync(this.#walPath, { throwIfNoEntry: false })?.ino === fstatSync(this.#walDescriptor).ino;
  }

  /** Puts what was written on the disk; makes a checkpoint when the WAL has grown, or when a sync failed before. */
  sync(): void {
    const due = this.#syncUnfinished || this.walBytes >= WAL_BYTES_MAX;
    this.#syncUnfinished = true;
    if (due) this.checkpoint();
    else fsyncSync(this.#walDescriptor);
    this.#syncUnfinished = false;
  }

  /** Copies the pages of the WAL into the file and empties it. */
  checkpoint(): void {
    fsyncSync(this.#walDescriptor);
    this.#database.pragma('wal_checkpoint(PASSIVE)');
    fsyncSync(this.#fileDescriptor);
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    fsyncSync(this.#walDescriptor);
  }

  /** Call it after the database is closed. */
  close(): void {
    closeSync(this.#fileDescriptor);
    closeSync(this.#walDescriptor);
  }
}
