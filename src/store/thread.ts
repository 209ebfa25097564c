// The thread of the store: a disk that pauses holds up this thread, and nothing else.

import { parentPort } from 'node:worker_threads';
import { assertNever } from '../core/assert.ts';
import { isCorruption, moveAside, StoreInUseError, sqliteCode } from './file/database.ts';
import { StoreFile } from './file/store-file.ts';
import type { OpenedFile, StoreAnswer, StoreFailure, StoreRequest } from './messages.ts';

function serve(port: NonNullable<typeof parentPort>): void {
  const holder = new FileHolder();
  port.on('message', (request: StoreRequest) => {
    port.postMessage(holder.answer(request));
    if (request.kind === 'close') port.close();
  });
}

/** Has the file, once it is opened and until it is closed or lost. */
class FileHolder {
  #file: StoreFile | null = null;

  answer(request: StoreRequest): StoreAnswer {
    try {
      const opened = this.#carryOut(request);
      return { ok: true, bytes: request.kind === 'close' ? null : (this.#file?.bytes ?? null), opened };
    } catch (error) {
      return { ok: false, failure: this.#fail(error, request) };
    }
  }

  /** Returns what was opened. */
  #carryOut(request: StoreRequest): OpenedFile | null {
    switch (request.kind) {
      case 'prove':
        StoreFile.prove(request);
        return null;
      case 'open': {
        const { file, opened } = StoreFile.open(request);
        this.#file = file;
        return opened;
      }
      case 'write':
        this.#look();
        this.#file?.write(request.changes);
        return null;
      case 'look':
        this.#look();
        return null;
      case 'sync':
        this.#file?.sync();
        return null;
      case 'close':
        this.#file?.close(request);
        return null;
      default:
        return assertNever(request);
    }
  }

  /** Throws where the file is no longer at its path; none is open then. */
  #look(): void {
    const file = this.#file;
    if (file === null || file.isInPlace) return;
    this.#file = null;
    file.abandon();
    throw new StoreGoneError('the file or its WAL was removed or replaced');
  }

  /** Moves a file aside that a write finds corrupt; none is open then. */
  #fail(error: unknown, request: StoreRequest): StoreFailure {
    const failure = failureOf(error);
    if (request.kind !== 'write' || this.#file === null || !isCorruption(error)) return failure;
    const movedTo = replace(this.#file, request.wallMs);
    this.#file = null;
    return { ...failure, kind: 'corrupt', movedTo };
  }
}

/** The content went bad while in use: it goes aside. Returns where it is, null when it could not be moved. */
function replace(file: StoreFile, wallMs: number): string | null {
  try {
    file.close({ sync: false });
    return moveAside(file.path, wallMs);
  } catch {
    return null;
  }
}

/** The file is no longer where it was opened. */
class StoreGoneError extends Error {}

function failureOf(error: unknown): StoreFailure {
  const kind = error instanceof StoreInUseError ? 'in-use' : error instanceof StoreGoneError ? 'gone' : 'other';
  return { kind, reason: reasonOf(error), code: sqliteCode(error), movedTo: null };
}

/** Returns the kind of failure for people, with SQLite's or the system's own code. */
function reasonOf(error: unknown): string {
  const code = sqliteCode(error);
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') return `the disk is full (${code})`;
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS') return `the disk is read-only (${code})`;
  if (code === 'EACCES' || code === 'EPERM') return `not allowed to write (${code})`;
  const message = error instanceof Error ? error.message : String(error);
  return code === '' ? message : `${message} (${code})`;
}

// Behind the classes, which have to be there when it begins.
if (parentPort !== null) serve(parentPort);
