// A copy that is on the disk for good when it is done, and the digest of what was copied.

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';

export interface Copied {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies a file without ever holding more of it than a chunk; a copy that cannot be finished is removed.
 *
 * @param bytes what it has to have: one of another length is not copied
 * @throws Error for another length, and for what is no regular file
 */
export function copyDigested(from: string, to: string, bytes: number): Copied {
  const source = openRegular(from);
  try {
    const { size } = fstatSync(source);
    if (size !== bytes) throw new Error(`${from}: ${size} bytes, signed were ${bytes}: truncated or another file`);
    rmSync(to, { force: true });
    const target = openSync(to, 'wx', 0o600);
    try {
      const copied = pump(source, target, bytes);
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

/**
 * Opens a file to be read. A named pipe would be waited for, and a device may have no end.
 *
 * @throws Error for what is no regular file
 */
export function openRegular(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new Error(`${path}: no regular file`);
}

/** The digest of a file alone. @throws Error for what is no regular file */
export function digestOf(path: string): Copied {
  const source = openRegular(path);
  try {
    return pump(source, null, Number.POSITIVE_INFINITY);
  } finally {
    closeSync(source);
  }
}

/** `bytesMax`: one that grows while it is copied is not followed. */
function pump(source: number, target: number | null, bytesMax: number): Copied {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let bytes = 0;
  for (;;) {
    const count = readSync(source, chunk, 0, chunk.length, null);
    if (count === 0 || bytes > bytesMax) return { bytes, sha256: hash.digest('hex') };
    hash.update(chunk.subarray(0, count));
    for (let offset = 0; target !== null && offset < count; )
      offset += writeSync(target, chunk, offset, count - offset);
    bytes += count;
  }
}
