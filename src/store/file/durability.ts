// Makes what was written survive a power cut.
//
// SQLite runs with `synchronous = OFF`: a write ends in the page cache, where a killed process leaves it intact. What its
// own fsync calls would guarantee, the order in which pages reach the disk, is kept here, once a minute instead of with
// each write:
//
//   WAL synced → pages copied into the file (checkpoint) → file synced → WAL emptied → WAL synced
//
// Before each step everything it relies on is on the disk; a power cut in between finds either the WAL or the file whole.

import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import type Database from 'better-sqlite3';

/** The WAL is folded into the file beyond this size: some minutes of writing, so that a page is copied once for many changes. */
const WAL_BYTES_MAX = 1024 * 1024;

export class Durability {
  readonly #database: Database.Database;
  readonly #walPath: string;
  readonly #fileDescriptor: number;
  readonly #walDescriptor: number;
  /** A sync failed: the kernel may have dropped pages that it could not write, and calls them clean. */
  #pagesLost = false;

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

  /** Puts what was written on the disk; folds the WAL in when it has grown, or when a sync failed before. */
  sync(): void {
    const fold = this.#pagesLost || this.walBytes >= WAL_BYTES_MAX;
    this.#pagesLost = true;
    if (fold) this.checkpoint();
    else fsyncSync(this.#walDescriptor);
    this.#pagesLost = false;
  }

  /** Folds the WAL into the file and empties it. */
  checkpoint(): void {
    fsyncSync(this.#walDescriptor);
    this.#database.pragma('wal_checkpoint(PASSIVE)');
    fsyncSync(this.#fileDescriptor);
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    fsyncSync(this.#walDescriptor);
  }

  /** After the database itself was closed. */
  close(): void {
    closeSync(this.#fileDescriptor);
    closeSync(this.#walDescriptor);
  }
}
