// Real SQLite files: what is kept comes back, what is unusable goes aside, and nothing ever stops traffic.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandError } from '../../src/errors.ts';
import { AGE_UNKNOWN_MS } from '../../src/store/boot-clock.ts';
import type { StoreState } from '../../src/store/state.ts';
import { EMPTY, FakeBootClock, instanceOf, openBench, placementOf, snapshotOf } from './store-fixture.ts';

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

/** Keeps a state as one run of qedge would and ends in order. */
async function keep(state: StoreState, clock = new FakeBootClock()): Promise<void> {
  const { store } = openBench(path, { clock });
  store.start(() => state);
  await store.close();
}

async function reload(clock = new FakeBootClock()): Promise<StoreState | null> {
  const { store } = openBench(path, { clock });
  const loaded = store.load();
  await store.close();
  return loaded;
}

const movedAside = (): string[] => readdirSync(join(directory, 'state')).filter((name) => name.includes('.corrupt-'));

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

  it('writes nothing anew that it was given back and that stayed as it was', async () => {
    await keep(STATE);
    const { store, metrics } = openBench(path);
    const kept = store.load();
    store.start(() => kept ?? EMPTY);
    await store.flush();
    expect(rowsWritten(metrics.render())).toBe(0);
    await store.close();
  });

  it('starts from the state of this run alone', async () => {
    await keep(STATE);
    await keep({ routers: [snapshotOf('other', {})], placement: null });
    expect(await reload()).toMatchObject({ routers: [snapshotOf('other', {})], placement: null });
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

  it('is not trusted after a boot, whatever the clocks say', async () => {
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
    const before = rowsWritten(metrics.render());
    await store.flush();
    expect(rowsWritten(metrics.render())).toBe(before);
    state = {
      ...STATE,
      routers: [snapshotOf('pilotnet', { ...LEARNED, 'pi-2/9000': { weight: 0.3 } }), snapshotOf('detector', {})],
    };
    await store.flush();
    // The row of one instance and the time.
    expect(rowsWritten(metrics.render())).toBe(before + 2);
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
    expect(rowsWritten(metrics.render())).toBe(501);
    await store.flush();
    expect(rowsWritten(metrics.render())).toBe(1002);
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
    expect(store.load()).toBeNull();
    expect(lines.map((line) => line.msg)).toContain('store file was unusable, begins anew');
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
      await openBench(path, { clock }).store.close();
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

describe('one file, two processes', () => {
  it('the second is refused while the first lives', async () => {
    const { store } = openBench(path);
    store.start(() => STATE);
    await store.flush();
    expect(() => openBench(path)).toThrow(new CommandError(`store ${path} is in use by another process`));
    await store.close();
    expect(await reload()).toMatchObject({ routers: expect.arrayContaining([...STATE.routers]) });
  });
});
