// The model after a round, as files: each is written beside, checked, and renamed, so that none is ever there in part. The newest three
// are kept. A file is named after its round and the SHA-256 of its bytes, and is only read back where they agree.

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '../../make-folder.ts';

/** One model on disk. */
export interface Snapshot {
  readonly round: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
  readonly path: string;
}

/** A snapshot that was not taken: cut off, too long, or with other bytes than it says. */
export class BadSnapshotError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadSnapshotError';
  }
}

const SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024;
const KEPT = 3;
const NAME = /^round-(\d{1,10})-([0-9a-f]{64})\.model$/;
const INCOMING = 'incoming-';

/** The snapshots of one task, in a directory of their own. */
export class Snapshots {
  readonly #directory: string;
  #newest: Snapshot | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The newest one that is whole; null: there is none. */
  get newest(): Snapshot | null {
    return this.#newest;
  }

  /** Looks for what is there. @returns names of files that are not what they say, and are passed over */
  async open(): Promise<readonly string[]> {
    makeFolder(this.#directory);
    const bad: string[] = [];
    this.#newest = null;
    for (const found of await this.#list()) {
      if ((await hashOf(createReadStream(found.path))) === found.sha256) {
        this.#newest = found;
        break;
      }
      bad.push(found.path);
    }
    return bad;
  }

  /** Removes what was being written when a process ended; only where no other process may write. */
  async sweep(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => name.startsWith(INCOMING));
    await Promise.all(names.map((name) => rm(join(this.#directory, name), { force: true })));
  }

  /** Forgets all of them. */
  async clear(): Promise<void> {
    await this.sweep();
    for (const { path } of await this.#list()) await rm(path, { force: true });
    this.#newest = null;
  }

  /**
   * Takes a model from a stream.
   *
   * @param sha256 of its bytes, where it is known
   * @throws BadSnapshotError, with nothing changed
   */
  async receive(
    stream: Readable,
    { round, sha256 }: { readonly round: number; readonly sha256: string | null },
  ): Promise<Snapshot> {
    const incoming = join(this.#directory, `${INCOMING}${randomUUID()}`);
    try {
      const { bytes, hash } = await write(stream, incoming);
      if (bytes === 0) throw new BadSnapshotError('expected a model, got nothing');
      if (sha256 !== null && hash !== sha256)
        throw new BadSnapshotError(`expected bytes with SHA-256 ${sha256}, got ${hash}`);
      const path = join(this.#directory, `round-${String(round).padStart(10, '0')}-${hash}.model`);
      await rename(incoming, path);
      await synced(this.#directory);
      this.#newest = { round, sha256: hash, bytes, path };
    } catch (error) {
      await rm(incoming, { force: true });
      throw error;
    }
    const newest = this.#newest;
    await this.#prune(newest);
    return newest;
  }

  /** A model of a higher round than the newest one is of another course of the task, such as an earlier run. */
  async #prune({ round, path: newest }: Snapshot): Promise<void> {
    const others = (await this.#list()).filter(({ path }) => path !== newest);
    const kept = others.filter((one) => one.round <= round).slice(0, KEPT - 1);
    const old = others.filter((one) => !kept.includes(one));
    await Promise.all(old.map(({ path }) => rm(path, { force: true })));
  }

  /** The newest first. */
  async #list(): Promise<Snapshot[]> {
    const names = (await readdir(this.#directory)).filter((name) => NAME.test(name));
    const found = await Promise.all(
      names.map(async (name) => {
        const [, round = '', sha256 = ''] = NAME.exec(name) ?? [];
        const path = join(this.#directory, name);
        const { size, mtimeMs } = await stat(path);
        return { round: Number(round), sha256, bytes: size, path, mtimeMs };
      }),
    );
    return found
      .sort((a, b) => b.round - a.round || b.mtimeMs - a.mtimeMs)
      .map(({ mtimeMs: _, ...snapshot }) => snapshot);
  }
}

async function write(stream: Readable, path: string): Promise<{ readonly bytes: number; readonly hash: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > SNAPSHOT_BYTES_MAX) throw new BadSnapshotError(`more than ${SNAPSHOT_BYTES_MAX} bytes`);
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(stream, counted, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }));
  return { bytes, hash: hash.digest('hex') };
}

async function hashOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A rename is on disk once its directory is. */
async function synced(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  await handle.sync().finally(() => handle.close());
}
