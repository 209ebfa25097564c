// What travels inside the single executable: static files and native addons. Run from source, the same names are
// files of the repository or of the last build, and addons come from their npm packages.

import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import sea from 'node:sea';
import { getEnvironmentData, setEnvironmentData, Worker } from 'node:worker_threads';

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
  // A name that climbs out of its root is no file of this program.
  const paths = SOURCE_ROOTS.map((root) => ({ root, path: normalize(join(root, name)) }));
  const found = paths.find(({ root, path }) => path.startsWith(`${root}/`) && isFile(path));
  return found === undefined ? null : readFileSync(found.path);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

export interface ThreadOptions {
  /** What it runs, in the single executable: the name of a script of the build. */
  readonly script: string;
  /** The same, run from source. */
  readonly source: string;
  /** What `top -H` calls it. */
  readonly name: string;
  readonly data?: unknown;
}

/** Starts a thread. In the single executable it begins as the main thread does (build/start/load.cjs). */
export function startThread({ script, source, name, data }: ThreadOptions): Worker {
  if (!isSingleExecutable) return new Worker(source, { workerData: data, name });
  const loader = asset('load.cjs');
  if (loader === null) throw new Error('load.cjs is not in this executable');
  return new Worker(Buffer.from(loader).toString('utf8'), { eval: true, argv: [script], workerData: data, name });
}

/**
 * For better-sqlite3's `nativeBinding`; undefined from source, where better-sqlite3 finds its own. `directory`: a place that
 * may be written, of the caller's. Throws where no directory lets it be loaded.
 */
export function loadSqliteBinding(directory: string): object | undefined {
  return isSingleExecutable ? loadAddon(SQLITE_ADDON, directory) : undefined;
}

/** Why the addon of the store cannot be loaded; null when it can. */
export function sqliteBindingProblem(directory: string): string | null {
  try {
    loadSqliteBinding(directory);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** qedge's own addon (`build/native`). */
export interface NativeAddon {
  /** Another descriptor of the same socket, closed by a child that is started; negative: the errno of what failed. */
  duplicate(fd: number): number;
  /** One datagram; 0, or the errno of what failed. */
  notify(socketPath: string, message: string): number;
  /** Bounds the KeyUpdate messages of each connection of an `SSL_CTX` of OpenSSL. */
  limitKeyUpdates(context: object): void;
  /** Ends this process without waiting for its threads (`_exit`(2)). */
  exit(status: number): never;
  /** Gives free memory and unused pages of the executable back to the kernel; takes a millisecond or so. */
  releaseMemory(): void;
}

/** Null from source, where nothing compiled it. Throws where no directory lets it be loaded. */
export function loadNativeAddon(): NativeAddon | null {
  return isSingleExecutable ? (loadAddon(NATIVE_ADDON, null) as NativeAddon) : null;
}

const SQLITE_ADDON = 'better_sqlite3.node';
const NATIVE_ADDON = 'qedge_native.node';

/**
 * Loads an embedded addon through a file without a name: nothing is left on disk, even after a crash. The file stays open
 * for the life of the process, so that every thread loads the very same copy: two copies of SQLite in one process
 * would break each other's POSIX locks.
 */
function loadAddon(name: string, directory: string | null): object {
  const key = `qedge.addon.${name}`;
  const known = getEnvironmentData(key);
  if (typeof known === 'number') return dlopen(known);
  const bytes = asset(name);
  if (bytes === null) throw new Error(`addon ${name} is not in this executable`);
  const failures: string[] = [];
  for (const place of scratchDirectories(directory)) {
    for (const open of [openUnnamed, openUnlinked]) {
      let fd = -1;
      try {
        fd = open(place);
        for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
        const exports = dlopen(fd);
        setEnvironmentData(key, fd);
        return exports;
      } catch (error) {
        if (fd >= 0) closeSync(fd);
        failures.push(`${place}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  throw new Error(
    `addon ${name}: no directory to load it from, every one is read-only or noexec (${failures.join('; ')})`,
  );
}

/** A mount without exec rights refuses the mapping, so there is more than one place to try. */
function scratchDirectories(directory: string | null): readonly string[] {
  const { CACHE_DIRECTORY, STATE_DIRECTORY, TMPDIR } = process.env;
  const named = [CACHE_DIRECTORY, STATE_DIRECTORY].map((list) => list?.split(':')[0]);
  const candidates = [...named, directory, '/dev/shm', TMPDIR, '/tmp', '/var/tmp', dirname(process.execPath), '.'];
  return [...new Set(candidates.flatMap((one) => one || []))];
}

/** O_TMPFILE of the kernel's fcntl.h, which node:fs does not name: 020000000 with O_DIRECTORY (different on arm64). */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

const openUnnamed = (directory: string): number => openSync(directory, O_TMPFILE | constants.O_RDWR, 0o700);

/** Where O_TMPFILE is not known: overlayfs before Linux 6.1, NFS, most of FUSE. */
function openUnlinked(directory: string): number {
  const path = join(directory, `.qedge-${process.pid}-${randomUUID()}`);
  const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o700);
  unlinkSync(path);
  return fd;
}

function dlopen(fd: number): object {
  const module: { exports: object } = { exports: {} };
  process.dlopen(module, `/proc/self/fd/${fd}`, osConstants.dlopen.RTLD_NOW);
  return module.exports;
}
