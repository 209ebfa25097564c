// Real SQLite files: what is kept comes back, what is unusable goes aside, and nothing ever stops traffic.

import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandError } from '../../src/errors.ts';
import { proveStore } from '../../src/store/prove-store.ts';
import type { PlacedInstance, StoreState } from '../../src/store/state.ts';
import { startStoreThreadAhead } from '../../src/store/store-thread.ts';
import { textOf } from '../support/metrics.ts';
import { EMPTY, FakeBootClock, instanceOf, openBench, placementOf, snapshotOf } from './store-fixture.ts';

/** Ten years. */
const AGE_UNKNOWN_MS = 10 * 365.25 * 86_400_000;

let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-store-'));
  path = join(directory, 'state', 'qedge.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const LEARNED = {
  'pi-1/9000': { weight: 0.75, samples: [120, 31.5, 40, -1] },
  'pi-2/9000': { weight: 0.25, samples: [] },
};
const STATE: StoreState = {
  routers: [snapshotOf('pilotnet', LEARNED), snapshotOf('detector', {})],
  placement: placementOf([instanceOf('pilotnet', 'pi-1', 9000), instanceOf('pilotnet', 'pi-2', 9000)]),
};

/** Keeps a state as one run of qedge would that lived for minutes and ended in order. */
async function keep(state: StoreState, clock = new FakeBootClock()): Promise<void> {
  const { store } = openBench(path, { clock });
  store.start(() => state);
  await store.flush();
  clock.advance(60_000);
  await store.flush();
  await store.close();
}

async function reload(clock = new FakeBootClock()): Promise<StoreState | null> {
  const { store } = openBench(path, { clock });
  const loaded = await store.load();
  await store.close();
  return loaded;
}

const movedAside = (): string[] =>
  readdirSync(join(directory, 'state')).filter((name) => /\.corrupt-[^-]+(?:-\d+)?$/.test(name));

describe('a restart', () => {
  it('brings back what was learned and where instances were', async () => {
    await keep(STATE);
    expect(await reload()).toMatchObject({
      routers: expect.arrayContaining([...STATE.routers]),
      placement: {
        nodes: STATE.placement?.nodes,
        instances: expect.arrayContaining([...(STATE.placement?.instances ?? [])]),
      },
    });
  });

  it('brings back what was learned of instances with the longest names that may be announced', async () => {
    const router = snapshotOf('pilotnet', { [`${'n'.repeat(253)}/${'i'.repeat(253)}`]: { weight: 0.5 } });
    await keep({ routers: [router], placement: null });
    expect((await reload())?.routers).toEqual([router]);
  });

  it('is cold when nothing was kept', async () => {
    expect(await reload()).toBeNull();
  });

  it('leaves one file, with nothing beside it', async () => {
    await keep(STATE);
    expect(readdirSync(join(directory, 'state'))).toEqual(['qedge.db']);
  });

  it('forgets what is no longer there', async () => {
    const { store } = openBench(path);
    let state = STATE;
    store.start(() => state);
    await store.flush();
    state = { routers: [snapshotOf('pilotnet', { 'pi-2/9000': LEARNED['pi-2/9000'] })], placement: placementOf([]) };
    await store.flush();
    await store.close();
    const kept = await reload();
    expect(kept?.routers).toEqual(state.routers);
    expect(kept?.placement?.instances).toEqual([]);
  });

  it('writes nothing again that it was given back and that stayed as it was', async () => {
    await keep(STATE);
    const { store, metrics } = openBench(path);
    const kept = await store.load();
    store.start(() => kept ?? EMPTY);
    await store.flush();
    expect(rowsWritten(textOf(metrics))).toBe(0);
    await store.close();
  });

  it('starts from the state of this run alone', async () => {
    await keep(STATE);
    await keep({ routers: [snapshotOf('other', {})], placement: null });
    expect(await reload()).toMatchObject({ routers: [snapshotOf('other', {})], placement: null });
  });
});

describe('a disk that takes its time', () => {
  it('holds up no start: what was kept comes later', async () => {
    await keep(STATE);
    const late = Promise.withResolvers<StoreState>();
    const { store } = openBench(path, { loadMsMax: 0, onLate: late.resolve });
    expect(await store.load()).toBeNull();
    expect(store.facts()).toMatchObject({ ok: false, detail: 'the disk does not answer' });
    expect(await late.promise).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
    store.start(() => STATE);
    await store.flush();
    expect(store.facts()).toMatchObject({ ok: true });
    await store.close();
  });

  it('that another process has is found out without taking it, and needs not end a start', async () => {
    await keep(STATE);
    await proveStore(path);
    await proveStore(join(dirname(path), 'none.db'));
    const other = new Database(path);
    other.exec('BEGIN EXCLUSIVE');
    await expect(proveStore(path)).rejects.toThrow(`store ${path} is in use by another process`);
    const { store } = openBench(path, { inUse: 'go-on' });
    expect(await store.load()).toBeNull();
    expect(store.openPath).toBeNull();
    expect(store.facts()).toMatchObject({ ok: false, detail: `store ${path} is in use by another process` });
    other.close();
    await store.close();
    const { store: next } = openBench(path);
    expect(await next.load()).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
    expect(next.openPath).toBe(path);
    await next.close();
  });

  it('holds up no event loop', async () => {
    await keep(STATE);
    const other = new Database(path);
    other.exec('BEGIN EXCLUSIVE');
    const { store } = openBench(path);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    // The thread waits for the lock meanwhile.
    await expect(store.load()).rejects.toThrow('in use by another process');
    clearInterval(timer);
    other.close();
    expect(turns).toBeGreaterThan(10);
    await store.close();
  });
});

describe('a stop before the disk was tried', () => {
  /** Ends a run at once. Returns its database file as it was before: all that a disk may have of it. */
  async function stopAtOnce(): Promise<Buffer> {
    const { store } = openBench(path);
    store.start(() => STATE);
    await store.flush();
    const before = readFileSync(path);
    await store.close();
    return before;
  }

  it('leaves the WAL, from which the next start takes everything', async () => {
    writeFileSync(path, await stopAtOnce());
    expect(readdirSync(join(directory, 'state')).sort()).toEqual(['qedge.db', 'qedge.db-wal']);
    expect(await reload()).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
    expect(movedAside()).toEqual([]);
  });

  it('that a power cut interrupts loses nothing either, also where the path is a link', async () => {
    writeFileSync(path, await stopAtOnce());
    renameSync(`${path}-wal`, `${path}-wal.kept`);
    const link = join(directory, 'link.db');
    symlinkSync(path, link);
    const { store } = openBench(link);
    expect(await store.load()).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
    await store.close();
  });

  it('leaves the WAL, whether it is found out or not that the file could be opened', async () => {
    const before = await stopAtOnce();
    await proveStore(path);
    // The disk has nothing yet of what that look folded into the file.
    writeFileSync(path, before);
    expect(await reload()).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
  });
});

describe('age', () => {
  it('counts on while qedge is away', async () => {
    const clock = new FakeBootClock();
    await keep(STATE, clock);
    clock.advance(7000);
    expect(await reload(clock)).toMatchObject({ ageMs: 7000 });
  });

  it('is right though the wall clock jumped', async () => {
    const clock = new FakeBootClock();
    await keep(STATE, clock);
    clock.advance(7000);
    clock.setWall(0);
    expect(await reload(clock)).toMatchObject({ ageMs: 7000 });
  });

  it('is not trusted after a boot, by any clock', async () => {
    const clock = new FakeBootClock();
    await keep(STATE, clock);
    clock.reboot('boot-2', 500_000);
    expect(await reload(clock)).toMatchObject({ ageMs: AGE_UNKNOWN_MS });
  });

  it('is not trusted where the system has no boot id', async () => {
    const clock = new FakeBootClock();
    clock.bootId = null;
    await keep(STATE, clock);
    expect(await reload(clock)).toMatchObject({ ageMs: AGE_UNKNOWN_MS });
  });
});

describe('what is written', () => {
  it('is only what changed', async () => {
    const { store, metrics } = openBench(path);
    let state = STATE;
    store.start(() => state);
    await store.flush();
    const before = rowsWritten(textOf(metrics));
    await store.flush();
    expect(rowsWritten(textOf(metrics))).toBe(before);
    state = {
      ...STATE,
      routers: [snapshotOf('pilotnet', { ...LEARNED, 'pi-2/9000': { weight: 0.3 } }), snapshotOf('detector', {})],
    };
    await store.flush();
    // The row of one instance and the time.
    expect(rowsWritten(textOf(metrics))).toBe(before + 2);
    await store.close();
  });
});

describe('a fleet of thousands', () => {
  const fleet = placementOf(Array.from({ length: 1200 }, (_, i) => instanceOf('pilotnet', `pi-${i}`, 9000)));
  const instancesKept = async (): Promise<number> => (await reload())?.placement?.instances.length ?? 0;

  it('is written in portions, each whole', async () => {
    const { store, metrics } = openBench(path);
    store.start(() => ({ routers: [], placement: fleet }));
    await store.flush();
    expect(rowsWritten(textOf(metrics))).toBe(501);
    await store.flush();
    expect(rowsWritten(textOf(metrics))).toBe(1002);
    await store.close();
    expect(await instancesKept()).toBe(1200);
  });

  it('is written to the last on stop', async () => {
    await keep({ routers: [], placement: fleet });
    expect(await instancesKept()).toBe(1200);
  });
});

const rowsWritten = (text: string): number => Number(/^qedge_store_rows_total (\d+)/m.exec(text)?.[1]);

describe('a file that is of no use', () => {
  const openNew = async (): Promise<void> => {
    const { store, lines } = openBench(path);
    expect(await store.load()).toBeNull();
    expect(lines.map((line) => line.msg)).toContain('store file was unusable, a new one begins');
    store.start(() => STATE);
    await store.close();
    expect(await reload()).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
  };

  it('is moved aside when it is no database', async () => {
    await keep(EMPTY);
    writeFileSync(path, 'a letter to a friend, by mistake saved under this name'.repeat(10));
    await openNew();
    const [name = ''] = movedAside();
    expect(name).toMatch(/^qedge\.db\.corrupt-\d{8}T\d{6}Z$/);
    expect(readFileSync(join(directory, 'state', name), 'utf8')).toContain('a letter to a friend');
  });

  it('is moved aside untouched when it belongs to another program', async () => {
    await keep(EMPTY);
    rmSync(path);
    const other = new Database(path);
    other.exec("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('pasta')");
    other.close();
    const bytes = readFileSync(path);
    await openNew();
    expect(readFileSync(join(directory, 'state', movedAside()[0] ?? '')).equals(bytes)).toBe(true);
  });

  it('is moved aside when it was cut off', async () => {
    await keep(STATE);
    truncateSync(path, Math.floor(statSync(path).size / 2));
    await openNew();
    expect(movedAside()).toHaveLength(1);
  });

  it('is moved aside when its pages are garbage', async () => {
    await keep(STATE);
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 1024);
    writeFileSync(path, bytes);
    await openNew();
    expect(movedAside()).toHaveLength(1);
  });

  it('is moved aside when its tables are not ours', async () => {
    await keep(STATE);
    const database = new Database(path);
    database.exec('ALTER TABLE learned RENAME COLUMN data TO something_else');
    database.close();
    await openNew();
    expect(movedAside()).toHaveLength(1);
  });

  it('is kept aside five times at most', async () => {
    const clock = new FakeBootClock();
    await keep(EMPTY);
    for (let i = 0; i < 8; i++) {
      writeFileSync(path, 'not a database at all'.repeat(20));
      clock.advance(1000);
      const { store } = openBench(path, { clock });
      await store.load();
      await store.close();
    }
    expect(movedAside()).toHaveLength(5);
  });

  it('loses no more than the rows that make no sense', async () => {
    await keep(STATE);
    const database = new Database(path);
    database.exec(
      "UPDATE service SET data = 'not json' WHERE name = 'detector'; UPDATE learned SET data = '{' WHERE instance = 'pi-1/9000'",
    );
    database.close();
    expect((await reload())?.routers).toEqual([snapshotOf('pilotnet', { 'pi-2/9000': LEARNED['pi-2/9000'] })]);
  });
});

describe('a row that does not fit', () => {
  /** Keeps the state, alters the file as `sql` says, and starts again. */
  async function afterwards(sql: string, ...bound: readonly unknown[]) {
    await keep(STATE);
    const database = new Database(path);
    database.prepare(sql).run(...bound);
    database.close();
    const { store, metrics, lines } = openBench(path);
    const kept = await store.load();
    store.start(() => kept ?? EMPTY);
    await store.close();
    const dropped = Number(/^qedge_store_rows_dropped_total (\d+)/m.exec(textOf(metrics))?.[1]);
    return { kept, dropped, lines };
  }

  const placed = (change: (fact: PlacedInstance) => unknown): string =>
    JSON.stringify(change({ source: 'native', instance: instanceOf('pilotnet', 'pi-1', 9000), boot: null }));

  it.each([
    ['a host that is a number', (fact: PlacedInstance) => ({ ...fact, instance: { ...fact.instance, host: 5 } })],
    ['a port that is a text', (fact: PlacedInstance) => ({ ...fact, instance: { ...fact.instance, port: 'x' } })],
    ['a port out of range', (fact: PlacedInstance) => ({ ...fact, instance: { ...fact.instance, port: 65_536 } })],
    ['no labels', (fact: PlacedInstance) => ({ ...fact, instance: { ...fact.instance, labels: undefined } })],
    ['a scheme of its own', (fact: PlacedInstance) => ({ ...fact, instance: { ...fact.instance, scheme: 'ftp' } })],
    ['a profile that is a list', (fact: PlacedInstance) => ({ ...fact, instance: { ...fact.instance, profile: [] } })],
    ['a source that is none', (fact: PlacedInstance) => ({ ...fact, source: 'static' })],
    ['the name of another', (fact: PlacedInstance) => ({ ...fact, instance: { ...fact.instance, id: 'b' } })],
  ])('of an instance, with %s, is dropped alone', async (_what, change) => {
    const { kept, dropped, lines } = await afterwards(
      "UPDATE placement SET data = ? WHERE id LIKE 'native%pi-1%'",
      placed(change),
    );
    expect(kept?.placement?.instances.map(({ instance }) => instance.nodeId)).toEqual(['pi-2']);
    expect(kept?.placement?.nodes).toHaveLength(1);
    expect(dropped).toBe(1);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', rows: 1 }));
  });

  it('of a profile nested beyond reason is dropped alone', async () => {
    const deep = `${'['.repeat(8000)}1${']'.repeat(8000)}`;
    const data = placed((fact) => fact).replace('"profile":null', `"profile":{"a":${deep}}`);
    const { kept } = await afterwards("UPDATE placement SET data = ? WHERE id LIKE 'native%pi-1%'", data);
    expect(kept?.placement?.instances).toHaveLength(1);
  });

  it('of a service without round trips is dropped alone', async () => {
    const { rtts: _, ...rest } = snapshotOf('detector', {});
    const sql = "UPDATE service SET data = ? WHERE name = 'detector'";
    expect((await afterwards(sql, JSON.stringify(rest))).kept?.routers.map(({ service }) => service)).toEqual([
      'pilotnet',
    ]);
  });

  it('of bytes in place of text, or with a key that splits in two, is dropped and does not come back', async () => {
    const { kept, dropped } = await afterwards(
      'INSERT INTO learned (service, instance, data) VALUES (?, ?, ?), (?, ?, ?)',
      ...[Buffer.from([255]), Buffer.from([0]), '{}', 'pilot\u0000net', 'a', '{}'],
    );
    expect(dropped).toBe(2);
    expect(kept?.routers).toHaveLength(2);
    const { store, metrics } = openBench(path);
    await store.close();
    expect(textOf(metrics)).toMatch(/^qedge_store_rows_dropped_total 0$/m);
  });

  it('of a time that is none makes the age unknown', async () => {
    expect((await afterwards("UPDATE saved SET uptime_ms = 'soon'")).kept?.ageMs).toBe(AGE_UNKNOWN_MS);
  });
});

describe('a path that leads to no file', () => {
  it.each([
    ['a directory', () => mkdirSync(path)],
    ['a link to itself', () => symlinkSync(path, path)],
    ['a FIFO', () => execFileSync('mkfifo', [path])],
    ['a device', () => symlinkSync('/dev/zero', path)],
    ['a FIFO in place of the rollback journal', () => execFileSync('mkfifo', [`${path}-journal`])],
    ['a directory in place of the WAL', () => mkdirSync(`${path}-wal`)],
  ])('%s, is reported, left as it is, and not waited for', async (_what, make) => {
    mkdirSync(join(directory, 'state'));
    make();
    const before = readdirSync(join(directory, 'state'));
    const { store, lines } = openBench(path);
    store.start(() => STATE);
    await store.flush();
    expect(store.facts()).toMatchObject({ ok: false });
    await store.close();
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'store fails, traffic goes on' }));
    expect(readdirSync(join(directory, 'state'))).toEqual(before);
  });

  it('has a folder that cannot be made: it is reported, and keeps no thread busy', async () => {
    const { store, lines } = openBench('/proc/none/state/qedge.db');
    store.start(() => STATE);
    await store.flush();
    const failed = { msg: 'store fails, traffic goes on', reason: expect.stringMatching(/ENOENT/) };
    expect(lines).toContainEqual(expect.objectContaining(failed));
    await store.close();
  });

  it('is followed where it is a link to a file', async () => {
    mkdirSync(join(directory, 'state'));
    writeFileSync(join(directory, 'elsewhere.db'), '');
    symlinkSync(join(directory, 'elsewhere.db'), path);
    await keep(STATE);
    expect(await reload()).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
  });
});

describe('one file, two processes', () => {
  it('the second is refused while the first lives', async () => {
    const { store } = openBench(path);
    store.start(() => STATE);
    await store.flush();
    await expect(openBench(path).store.load()).rejects.toThrow(
      new CommandError(`store ${path} is in use by another process`),
    );
    await store.close();
    expect(await reload()).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
  });
});

describe('a thread that is started ahead', () => {
  const storeThreads = (): string[] =>
    readdirSync('/proc/self/task').filter(
      (id) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim() === 'store',
    );

  it('is the one that opens the store, and the next store has one of its own', async () => {
    const before = new Set(storeThreads());
    const started = (): number => storeThreads().filter((id) => !before.has(id)).length;
    startStoreThreadAhead();
    const first = openBench(path);
    await first.store.load();
    expect(started()).toBe(1);

    const second = openBench(join(directory, 'other.db'));
    await second.store.load();
    expect(started()).toBe(2);
    await Promise.all([first.store.close(), second.store.close()]);
  });
});
