// Makes what was written survive a power cut, without ever blocking the event loop on the disk.
//
// SQLite runs with `synchronous = OFF`: a write ends in the page cache, where a killed process leaves it intact. What its
// own fsync calls would guarantee, the order in which pages reach the disk, is kept here with fsync on libuv's threads:
//
//   WAL synced → pages copied into the file (checkpoint) → file synced → WAL emptied → WAL synced
//
// Nothing may be written between these steps, so a flush that falls among them waits for the last one. Before each step
// everything it relies on is on the disk; a power cut in between finds either the WAL or the file whole.

import { closeSync, fsync, openSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import type Database from 'better-sqlite3';

const fsyncAsync = promisify(fsync);

/** The WAL is folded into the file beyond this size: some minutes of writing, so that a page is copied once for many changes. */
const WAL_BYTES_MAX = 1024 * 1024;

export class Durability {
  readonly #database: Database.Database;
  readonly #walPath: string;
  readonly #fileDescriptor: number;
  readonly #walDescriptor: number;

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

  /** Puts what was written on the disk; folds the WAL in when it has grown. No write may happen until it is done. */
  async sync(): Promise<void> {
    await fsyncAsync(this.#walDescriptor);
    if (this.walBytes >= WAL_BYTES_MAX) await this.checkpoint();
  }

  /** Folds the WAL into the file and empties it. No write may happen until it is done. */
  async checkpoint(): Promise<void> {
    await fsyncAsync(this.#walDescriptor);
    this.#database.pragma('wal_checkpoint(PASSIVE)');
    await fsyncAsync(this.#fileDescriptor);
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    await fsyncAsync(this.#walDescriptor);
  }

  /** After the database itself was closed. */
  close(): void {
    closeSync(this.#fileDescriptor);
    closeSync(this.#walDescriptor);
  }
}
