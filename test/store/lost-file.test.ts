// The store while it is in use: its file goes, or its thread ends.

import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { FakeBootClock, openBench, snapshotOf } from './store-fixture.ts';

const STATE = { routers: [snapshotOf('svc', { 'n/i': { weight: 1 } })], placement: null };

function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-store-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'qedge.db');
}

async function kept(path: string): Promise<readonly string[] | undefined> {
  const { store } = openBench(path, { clock: new FakeBootClock() });
  const loaded = await store.load();
  await store.close();
  return loaded?.routers.map(({ service }) => service);
}

it.each([
  ['removed', (path: string) => rmSync(path)],
  ['robbed of its WAL', (path: string) => rmSync(`${path}-wal`)],
  ['moved away', (path: string) => renameSync(path, `${path}.old`)],
  [
    'replaced by another',
    (path: string) => {
      writeFileSync(`${path}.new`, '');
      renameSync(`${path}.new`, path);
    },
  ],
])('a file that is %s in use is missed though nothing changed, and a new one has everything', async (_, lose) => {
  const path = newPath();
  const { store, lines } = openBench(path, { clock: new FakeBootClock() });
  await store.load();
  store.start(() => STATE);
  await store.flush();
  lose(path);
  await store.flush();
  expect(store.facts()).toMatchObject({ ok: false });
  expect(lines.map(({ msg }) => msg)).toContain('store file was removed in use, a new one begins');
  await store.flush();
  expect(store.facts()).toMatchObject({ ok: true });
  await store.close();
  expect(await kept(path)).toEqual(['svc']);
});

it('a thread that ends is followed by another, a minute after the file was opened', async () => {
  const threads: Worker[] = [];
  const onWorker = (worker: Worker): void => void threads.push(worker);
  process.on('worker', onWorker);
  onTestFinished(() => void process.off('worker', onWorker));
  const clock = new FakeBootClock();
  const path = newPath();
  const { store } = openBench(path, { clock });
  await store.load();
  let state = STATE;
  store.start(() => state);
  await store.flush();
  await threads[0]?.terminate();
  state = { ...STATE, routers: [...STATE.routers, snapshotOf('later', {})] };
  await store.flush();
  expect(store.facts()).toMatchObject({ ok: false, detail: expect.stringContaining('the thread of the store') });
  clock.advance(60_000);
  await store.flush();
  expect(store.facts()).toMatchObject({ ok: true });
  await store.close();
  expect(existsSync(path)).toBe(true);
  expect((await kept(path))?.toSorted()).toEqual(['later', 'svc']);
});
