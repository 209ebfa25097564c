// What travels inside the single executable: static files and native addons. Run from source, the same names are
// files of the repository or of the last build, and addons come from their npm packages.

import { closeSync, constants, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { join, normalize } from 'node:path';
import sea from 'node:sea';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** True in the single executable, false when run from source. */
export const isSingleExecutable: boolean = sea.isSea();

/** Where a run from source finds the same names: what the build made, and what it only takes along. */
const SOURCE_ROOTS = ['../dist/assets', '..'].map((path) => join(import.meta.dirname, path));

/**
 * The bytes of an embedded file (`dashboard/index.html`), or null when there is none of that name. In the single
 * executable they are the program's own pages: free to read, never to be written to.
 */
export function asset(name: string): Uint8Array | null {
  if (isSingleExecutable) return sea.getAssetKeys().includes(name) ? new Uint8Array(sea.getRawAsset(name)) : null;
  // A name that climbs out of its root is nobody's file.
  const paths = SOURCE_ROOTS.map((root) => ({ root, path: normalize(join(root, name)) }));
  const found = paths.find(({ root, path }) => path.startsWith(`${root}/`) && isFile(path));
  return found === undefined ? null : readFileSync(found.path);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** For better-sqlite3's `nativeBinding`; undefined from source, where better-sqlite3 finds its own. */
export function loadSqliteBinding(): object | undefined {
  return isSingleExecutable ? loadAddon('better_sqlite3.node') : undefined;
}

/** qedge's own addon (`build/native`). */
export interface NativeAddon {
  /** One datagram; 0, or the errno of what failed. */
  notify(socketPath: string, message: string): number;
  /** Gives free memory and unused pages of the executable back to the kernel; takes a millisecond or so. */
  releaseMemory(): void;
}

/** Null from source, where nothing compiled it. Throws where no directory lets it be loaded. */
export function loadNativeAddon(): NativeAddon | null {
  return isSingleExecutable ? (loadAddon('qedge_native.node') as NativeAddon) : null;
}

/**
 * Loads an embedded addon through an unnamed file: nothing is left on disk whatever happens next. The file stays open
 * for the life of the process, so that every thread loads the very same copy: two copies of SQLite in one process
 * would break each other's POSIX locks.
 */
function loadAddon(name: string): object {
  const key = `qedge.addon.${name}`;
  const known = getEnvironmentData(key);
  if (typeof known === 'number') return dlopen(known);
  const bytes = asset(name);
  if (bytes === null) throw new Error(`addon ${name} is not in this executable`);
  const failures: string[] = [];
  for (const directory of scratchDirectories()) {
    let fd = -1;
    try {
      fd = writeUnnamed(directory, bytes);
      const exports = dlopen(fd);
      setEnvironmentData(key, fd);
      return exports;
    } catch (error) {
      if (fd >= 0) closeSync(fd);
      failures.push(`${directory}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`addon ${name} could not be loaded from anywhere: ${failures.join('; ')}`);
}

/** A mount without exec rights refuses the mapping, so there is more than one place to try. */
function scratchDirectories(): readonly string[] {
  const { CACHE_DIRECTORY, STATE_DIRECTORY, TMPDIR } = process.env;
  const candidates = [CACHE_DIRECTORY, STATE_DIRECTORY, '/dev/shm', TMPDIR, '/tmp', '/var/tmp', '.'];
  return [...new Set(candidates.flatMap((list) => list?.split(':').slice(0, 1) ?? []))];
}

/** O_TMPFILE of the kernel's fcntl.h, which node:fs does not name: 020000000 with O_DIRECTORY (different on arm64). */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

function writeUnnamed(directory: string, bytes: Uint8Array): number {
  const fd = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o700);
  try {
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function dlopen(fd: number): object {
  const module: { exports: object } = { exports: {} };
  process.dlopen(module, `/proc/self/fd/${fd}`, osConstants.dlopen.RTLD_NOW);
  return module.exports;
}
