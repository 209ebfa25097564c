// A canary at the doors that are files: the store's, and those of an update. Their bytes are mutated; each file is taken or refused, the
// process lives, and where a store was refused a new one keeps what it is given. The long form takes `CANARY_INPUTS=10000` at each door;
// the store's has a twentieth of that, since each takes a disk some milliseconds. `CANARY_SEED` repeats a run.

import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { copyDigested, digestOf } from '../../src/update/copy.ts';
import { architectureOf } from '../../src/update/elf.ts';
import { FakeBootClock, instanceOf, openBench, placementOf, snapshotOf } from '../store/store-fixture.ts';
import { inputsOr, runs } from '../support/canary.ts';
import { hostileInput } from '../support/hostile-bytes.ts';

const INPUTS = inputsOr(100);
vi.setConfig({ testTimeout: 120_000 + INPUTS * 50 });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'qedge-canary-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const STATE = {
  routers: [snapshotOf('svc', { 'n/i': { weight: 1 } })],
  placement: placementOf([instanceOf('svc', 'pi-1', 80)]),
};

/** A file as a run leaves it. */
async function storeFile(): Promise<Buffer> {
  const path = join(folder(), 'qedge.db');
  const { store } = openBench(path, { clock: new FakeBootClock() });
  await store.load();
  store.start(() => STATE);
  await store.close();
  return readFileSync(path);
}

it('a mutated file of the store is taken or set aside, and the store keeps what it is given next', async () => {
  const good = await storeFile();
  const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }).map((all) => {
    const copy = Buffer.from(good);
    for (const [at, byte] of all) copy[at] = byte;
    return copy;
  });
  const inputs = fc.oneof(
    flips,
    hostileInput([good]).map(({ bytes }) => bytes),
  );
  const path = join(folder(), 'qedge.db');
  const holds = fc.asyncProperty(inputs, async (bytes) => {
    for (const name of readdirSync(join(path, '..'))) rmSync(join(path, '..', name), { recursive: true });
    writeFileSync(path, bytes);
    const first = openBench(path, { clock: new FakeBootClock() });
    await first.store.load();
    first.store.start(() => STATE);
    await first.store.flush();
    // A second one finds damage that shows only in use, and begins again.
    await first.store.flush();
    await first.store.flush();
    expect(first.store.facts()).toMatchObject({ ok: true });
    await first.store.close();
    const second = openBench(path, { clock: new FakeBootClock() });
    const kept = await second.store.load();
    expect(kept?.routers.map(({ service }) => service)).toEqual(['svc']);
    await second.store.close();
  });
  await fc.assert(holds, runs(Math.ceil(INPUTS / 20)));
});

it('a mutated program is no program of this machine, or is copied as it is', () => {
  const place = folder();
  const [from, to] = [join(place, 'from'), join(place, 'to')];
  const head = readFileSync(process.execPath).subarray(0, 4096);
  fc.assert(
    fc.property(hostileInput([head]), ({ bytes }) => {
      writeFileSync(from, bytes);
      chmodSync(from, 0o600);
      expect(architectureOf(from) ?? 'x64').toMatch(/^(?:x64|arm64|ia32|arm|machine \d+)$/);
      const copied = copyDigested(from, to, bytes.length);
      expect(copied).toEqual(digestOf(to));
      expect(() => copyDigested(from, to, bytes.length + 1)).toThrow('truncated or another file');
    }),
    runs(INPUTS),
  );
});
