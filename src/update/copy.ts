// A copy that is on the disk for good when it is done, and the digest of what was copied.

import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';

export interface Copied {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1024 * 1024;

/** Copies a file without ever holding more of it than a chunk; a copy that cannot be finished is removed. */
export function copyDigested(from: string, to: string): Copied {
  const source = openSync(from, 'r');
  try {
    rmSync(to, { force: true });
    const target = openSync(to, 'wx', 0o600);
    try {
      const copied = pump(source, target);
      fsyncSync(target);
      return copied;
    } catch (error) {
      rmSync(to, { force: true });
      throw error;
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** The digest of a file alone. */
export function digestOf(path: string): Copied {
  const source = openSync(path, 'r');
  try {
    return pump(source, null);
  } finally {
    closeSync(source);
  }
}

function pump(source: number, target: number | null): Copied {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let bytes = 0;
  for (;;) {
    const count = readSync(source, chunk, 0, chunk.length, null);
    if (count === 0) return { bytes, sha256: hash.digest('hex') };
    hash.update(chunk.subarray(0, count));
    for (let offset = 0; target !== null && offset < count; )
      offset += writeSync(target, chunk, offset, count - offset);
    bytes += count;
  }
}
