// The thread of the store: a disk that pauses holds up this thread, and nothing else.

import { parentPort } from 'node:worker_threads';
import { assertNever } from '../core/assert.ts';
import { isCorruption, moveAside, StoreInUseError, sqliteCode } from './file/database.ts';
import { StoreFile } from './file/store-file.ts';
import type { OpenedFile, StoreAnswer, StoreFailure, StoreRequest } from './messages.ts';

if (parentPort !== null) serve(parentPort);

function serve(port: NonNullable<typeof parentPort>): void {
  let file: StoreFile | null = null;
  /** Throws where the file is no longer at its path; none is open then. */
  const look = (): void => {
    if (file === null || file.isInPlace) return;
    const gone = file;
    file = null;
    gone.abandon();
    throw new StoreGoneError('the file or its WAL was removed or replaced');
  };
  /** Returns what was opened. */
  const carryOut = (request: StoreRequest): OpenedFile | null => {
    switch (request.kind) {
      case 'prove':
        StoreFile.prove(request);
        return null;
      case 'open': {
        const found = StoreFile.open(request);
        file = found.file;
        return found.opened;
      }
      case 'write':
        look();
        file?.write(request.changes);
        return null;
      case 'look':
        look();
        return null;
      case 'sync':
        file?.sync();
        return null;
      case 'close':
        file?.close(request);
        return null;
      default:
        return assertNever(request);
    }
  };
  const fail = (error: unknown, request: StoreRequest): StoreFailure => {
    const failure = failureOf(error);
    if (request.kind !== 'write' || file === null || !isCorruption(error)) return failure;
    const movedTo = replace(file, request.wallMs);
    file = null;
    return { ...failure, kind: 'corrupt', movedTo };
  };
  port.on('message', (request: StoreRequest) => {
    let answer: StoreAnswer;
    try {
      const opened = carryOut(request);
      answer = { ok: true, bytes: request.kind === 'close' ? null : (file?.bytes ?? null), opened };
    } catch (error) {
      answer = { ok: false, failure: fail(error, request) };
    }
    port.postMessage(answer);
    if (request.kind === 'close') port.close();
  });
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

/** For people: which kind of failure, with SQLite's or the system's own code. */
function reasonOf(error: unknown): string {
  const code = sqliteCode(error);
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') return `the disk is full (${code})`;
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS') return `the disk is read-only (${code})`;
  if (code === 'EACCES' || code === 'EPERM') return `not allowed to write (${code})`;
  const message = error instanceof Error ? error.message : String(error);
  return code === '' ? message : `${message} (${code})`;
}
