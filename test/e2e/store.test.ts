// The store under what happens to real devices: killed at any moment, a full disk, no rights, two processes on one file.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRng } from '../../src/core/rng.ts';

const WRITER = resolve(import.meta.dirname, 'store-writer.ts');

interface Fact {
  readonly loaded?: number | string;
  readonly flushed?: number;
  readonly ok?: boolean;
  readonly detail?: string;
  readonly log?: string;
  readonly refused?: string;
  readonly closed?: boolean;
  readonly done?: string;
}

/** Put before a command to run it with mounts of its own. */
const OWN_MOUNTS = ['unshare', '--user', '--map-root-user', '--mount'];
const canMount = spawnSync(OWN_MOUNTS[0] ?? '', [...OWN_MOUNTS.slice(1), 'true']).status === 0;

/** Mounts a file system of 400 KB over the directory of the store, then runs what follows. */
const ON_TMPFS = [...OWN_MOUNTS, 'sh', '-c', 'mount -t tmpfs -o size=400k tmpfs "$0" && exec "$@"'];

/** Makes the directory of the store read-only, then runs what follows. */
const ON_READ_ONLY = [
  ...OWN_MOUNTS,
  'sh',
  '-c',
  'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"',
];

/** A file that reaches its limit makes write(2) fail instead of killing the process. */
const WITHOUT_SIGXFSZ = ['sh', '-c', 'trap "" XFSZ; exec "$0" "$@"'];

/** Those of the running test. */
const writers: Writer[] = [];

/** A process that keeps the store, and what it said. */
class Writer {
  readonly facts: Fact[] = [];
  readonly ended: Promise<unknown>;
  readonly process: ChildProcess;
  #heard: () => void = () => {};

  constructor(path: string, options: { readonly mode?: 'auto' | 'nobody'; readonly within?: readonly string[] } = {}) {
    const { mode, within = [] } = options;
    const argv = [...within, process.execPath, WRITER, path, ...(mode === undefined ? [] : [mode])];
    this.process = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    writers.push(this);
    this.ended = once(this.process, 'close').then(() => this.#heard());
    const lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      this.facts.push(JSON.parse(line) as Fact);
      this.#heard();
    });
  }

  /** The next fact of a kind, skipping others. Throws when the process ends without one. */
  async next(kind: keyof Fact): Promise<Fact> {
    for (;;) {
      const i = this.facts.findIndex((fact) => fact[kind] !== undefined);
      const fact = this.facts[i];
      if (fact !== undefined) {
        this.facts.splice(0, i + 1);
        return fact;
      }
      if (this.process.exitCode !== null || this.process.signalCode !== null)
        throw new Error(`ended without "${kind}": ${JSON.stringify(this.facts)}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  async flush(): Promise<Fact> {
    this.process.stdin?.write('flush\n');
    return this.next('flushed');
  }

  async disturb(command: string): Promise<void> {
    this.process.stdin?.write(`${command}\n`);
    await this.next('done');
  }

  async exit(): Promise<void> {
    this.process.stdin?.write('exit\n');
    await this.ended;
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}

let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-store-'));
  path = join(directory, 'qedge.db');
});
afterEach(async () => {
  await Promise.all(writers.splice(0).map((writer) => writer.kill()));
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true, force: true });
});

describe('a store whose process is killed', () => {
  const ROUNDS = 200;

  it(`starts after each of ${ROUNDS} random moments, never older than what was flushed last, never corrupt`, {
    timeout: 600_000,
  }, async () => {
    const lanes = ['a', 'b'].map((name) => join(directory, name, 'qedge.db'));
    const flushes = await Promise.all(lanes.map((lane, i) => killRounds(lane, ROUNDS / lanes.length, 2026 + i)));
    expect(flushes[0]).toBeGreaterThan(ROUNDS / 10);
    for (const lane of lanes) {
      expect(readdirSync(dirname(lane)).filter((name) => name.includes('corrupt'))).toEqual([]);
      const database = new Database(lane);
      expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
      database.close();
    }
  });

  /** Returns how many flushes there were in all. */
  async function killRounds(file: string, rounds: number, seed: number): Promise<number> {
    const rng = createRng(seed);
    let flushed = 0;
    let flushes = 0;
    for (let round = 0; round < rounds; round++) {
      const writer = new Writer(file, { mode: 'auto' });
      const { loaded } = await writer.next('loaded');
      // The state that was being written when the process died may be there already; an older one never is.
      const fresh = loaded === flushed || loaded === flushed + 1;
      expect(fresh, `round ${round}: loaded ${loaded}, flushed ${flushed}`).toBe(true);
      await sleep(rng.next() ** 2 * 300);
      await writer.kill();
      flushes += writer.facts.filter((fact) => fact.flushed !== undefined).length;
      flushed = newest(writer) ?? Number(loaded);
      // While it opens, before it said anything: the moment at which files are made, checked and recovered.
      if (round % 4 !== 0) continue;
      const opening = new Writer(file, { mode: 'auto' });
      await sleep(rng.next() * 300);
      await opening.kill();
      flushed = newest(opening) ?? flushed;
    }
    return flushes;
  }

  /** What the file holds at least, as its process said: a state that was loaded is as good as one that was flushed. */
  function newest({ facts }: Writer): number | null {
    const fact = facts.findLast((one) => one.flushed !== undefined || one.loaded !== undefined);
    return fact === undefined ? null : Number(fact.flushed ?? fact.loaded);
  }
});

interface Disk {
  readonly within: readonly string[];
  readonly full: (writer: Writer) => Promise<unknown>;
  readonly roomy: (writer: Writer) => Promise<unknown>;
  readonly detail: RegExp;
}

/** No file may grow beyond what the WAL of one flush takes. */
const limitFiles = async ({ process }: Writer, bytes: string): Promise<unknown> =>
  spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}`]);

const DISKS: readonly (readonly [string, Disk])[] = [
  [
    'by a limit on its files',
    {
      within: WITHOUT_SIGXFSZ,
      full: (writer) => limitFiles(writer, '65536:unlimited'),
      roomy: (writer) => limitFiles(writer, 'unlimited'),
      detail: /SQLITE_(FULL|IOERR)/,
    },
  ],
  [
    'by its size',
    {
      within: ON_TMPFS,
      full: (writer) => writer.disturb('fill'),
      roomy: (writer) => writer.disturb('free'),
      detail: /^the disk is full \(SQLITE_FULL\)$/,
    },
  ],
];

describe('a full disk', () => {
  // A machine that grants no mounts of one's own still has the limit.
  it.each(DISKS.slice(0, canMount ? 2 : 1))(
    'fails flushes while the process goes on, and recovers with the room: %s',
    async (_, disk) => {
      const within = disk.within === ON_TMPFS ? [...ON_TMPFS, directory] : disk.within;
      const writer = new Writer(path, { within });
      expect(await writer.next('loaded')).toEqual({ loaded: 0 });
      expect(await writer.flush()).toEqual({ flushed: 1, ok: true, detail: '' });
      await disk.full(writer);
      let fact = await writer.flush();
      for (let i = 0; i < 20 && fact.ok; i++) fact = await writer.flush();
      expect(fact).toMatchObject({ ok: false, detail: expect.stringMatching(disk.detail) });
      expect(await writer.flush()).toMatchObject({ ok: false });
      await disk.roomy(writer);
      expect(await writer.flush()).toMatchObject({ ok: true, detail: '' });
      await writer.exit();
      expect(writer.facts.at(-1)).toEqual({ closed: true });
    },
  );

  it('keeps what was flushed before', async () => {
    const writer = new Writer(path, { within: WITHOUT_SIGXFSZ });
    await writer.next('loaded');
    await writer.flush();
    await limitFiles(writer, '65536:unlimited');
    let flushed = 1;
    for (let fact = await writer.flush(); fact.ok; fact = await writer.flush()) flushed = fact.flushed ?? 0;
    await writer.kill();
    const after = new Writer(path);
    expect(await after.next('loaded')).toEqual({ loaded: flushed });
    await after.exit();
  });
});

describe('a disk that may not be written', () => {
  it('starts cold, says so and goes on', async () => {
    chmodSync(directory, 0o555);
    const writer = new Writer(path, { mode: 'nobody' });
    expect(await writer.next('loaded')).toEqual({ loaded: 0 });
    expect(await writer.flush()).toMatchObject({ ok: false });
    await writer.exit();
    expect(writer.facts.at(-1)).toEqual({ closed: true });
  });

  it('starts cold when it is mounted read-only, and leaves what is there alone', async () => {
    const writer = new Writer(path);
    await writer.next('loaded');
    await writer.flush();
    await writer.exit();
    const before = readFileSync(path);
    const readOnly = canMount ? new Writer(path, { within: [...ON_READ_ONLY, directory] }) : asNobody(directory, path);
    expect(await readOnly.next('loaded')).toEqual({ loaded: 0 });
    expect(await readOnly.flush()).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^(the disk is read-only|not allowed to write) \((EROFS|EACCES)\)$/),
    });
    await readOnly.exit();
    // The first one stopped before its first sync, and left its write-ahead log to the kernel.
    expect(readdirSync(directory).filter((name) => name !== 'qedge.db-wal')).toEqual(['qedge.db']);
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

/** As near to a read-only disk as a machine gets that grants no mounts of one's own. */
function asNobody(directory: string, path: string): Writer {
  chmodSync(path, 0o444);
  chmodSync(directory, 0o555);
  return new Writer(path, { mode: 'nobody' });
}

/** Every fsync fails; writes still reach the page cache. */
const WITHOUT_SYNC = 'strace -f -qq -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO'.split(
  ' ',
);
const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

describe.runIf(canTrace)('a disk that cannot sync', () => {
  it('counts as failing until a sync succeeds, though every write does', async () => {
    const writer = new Writer(path, { within: WITHOUT_SYNC });
    await writer.next('loaded');
    let fact = await writer.flush();
    for (let i = 0; i < 600 && fact.ok; i++) fact = await writer.flush();
    expect(fact).toMatchObject({ ok: false, detail: expect.stringContaining('EIO') });
    for (let i = 0; i < 20; i++) expect(await writer.flush()).toMatchObject({ ok: false });
    await writer.exit();
    expect(writer.facts.at(-1)).toEqual({ closed: true });
  });
});

describe('two processes on one file', () => {
  it('the second refuses with a clear error, the first goes on, and its death frees the file at once', async () => {
    const first = new Writer(path);
    await first.next('loaded');
    await first.flush();
    const second = new Writer(path);
    expect(await second.next('refused')).toEqual({ refused: `store ${path} is in use by another process` });
    await second.ended;
    expect(second.process.exitCode).toBe(1);
    expect(await first.flush()).toMatchObject({ flushed: 2, ok: true });
    await first.kill();
    const third = new Writer(path);
    expect(await third.next('loaded')).toEqual({ loaded: 2 });
    await third.exit();
  });
});
