// A small process that keeps a store, for tests that kill it, fill its disk or take its rights away. Each line of its
// output is one fact as JSON; lines on its input are commands. Arguments: the store's path, and `auto` to flush by itself
// as fast as it can, or `nobody` to give up root first.

import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import { CommandError } from '../../src/errors.ts';
import type { BootClock } from '../../src/store/boot-clock.ts';
import type { StoreState } from '../../src/store/state.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { instanceOf, placementOf, snapshotOf } from '../store/store-fixture.ts';

/** A minute passes in half a second, so that the disk is synced and the WAL folded in many times within a short life. */
const CLOCK: BootClock = {
  bootId: 'one boot',
  uptimeMs: () => (performance.timeOrigin + performance.now()) * 120,
  wallMs: () => Date.now(),
};

/** Some 40 KB, so that the WAL reaches its limit after a few dozen flushes. */
const INSTANCES = 20;
const SAMPLES = Array.from({ length: 400 }, (_, i) => i);

/** Every row of it carries `sequence`: parts of two states would show. */
function stateOf(sequence: number): StoreState {
  const learned = Array.from({ length: INSTANCES }, (_, i) => [`pi-${i}/a`, { sequence, samples: SAMPLES }]);
  const router = { ...snapshotOf('pilotnet', Object.fromEntries(learned)), rtts: { sequence } };
  return {
    routers: [router],
    placement: placementOf([{ ...instanceOf('pilotnet', 'pi-1', 9000), labels: { sequence: String(sequence) } }]),
  };
}

/** The one sequence number of a whole state, or why it is not whole. */
function sequenceOf(state: StoreState | null): number | string {
  if (state === null) return 0;
  const [router] = state.routers;
  const policy = router?.policy as { readonly instances: Readonly<Record<string, { readonly sequence: number }>> };
  const seen = new Set([
    router?.rtts.sequence,
    Number(state.placement?.instances[0]?.instance.labels.sequence),
    ...Object.values(policy.instances).map(({ sequence }) => sequence),
  ]);
  const [sequence] = seen;
  const whole = seen.size === 1 && Object.keys(policy.instances).length === INSTANCES && sequence !== undefined;
  return whole ? sequence : `torn: ${[...seen].join(', ')}`;
}

/** Until a full pipe is tried again. */
const BUSY_MS = 5;

/** Past every buffer, so that what was reported is out even if the process is killed now. */
const report = (fact: Readonly<Record<string, unknown>>): void => {
  const line = Buffer.from(`${JSON.stringify(fact)}\n`);
  for (let at = 0; at < line.length; ) at += written(line.subarray(at));
};

/** How much the pipe took; nothing while its reader is busy. */
function written(bytes: Buffer): number {
  try {
    return writeSync(1, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS);
    return 0;
  }
}

function open(path: string): Store {
  const log = pino({ level: 'warn' }, { write: (line: string) => report({ log: JSON.parse(line).msg }) });
  return openStore({ path, flushMs: 2 ** 31 - 1, loadMsMax: 60_000, log, metrics: createMetrics(), clock: CLOCK });
}

async function main([path = '', mode]: readonly string[]): Promise<void> {
  if (mode === 'nobody') becomeNobody();
  const store = open(path);
  const loaded = sequenceOf(await store.load());
  let sequence = typeof loaded === 'number' ? loaded : 0;
  report({ loaded });
  store.start(() => stateOf(sequence));
  const flush = async (): Promise<void> => {
    sequence++;
    await store.flush();
    const { ok, detail } = store.facts();
    report({ flushed: sequence, ok, detail });
  };
  while (mode === 'auto') await flush();
  for await (const command of createInterface({ input: process.stdin })) {
    if (command === 'exit') break;
    if (command === 'flush') await flush();
    else report({ done: disturb(command, dirname(path)) });
  }
  await store.close();
  report({ closed: true });
  process.exit(0);
}

/** The disk fills up, and gets room again. */
function disturb(command: string, directory: string): string {
  const filler = join(directory, 'filler');
  if (command === 'fill') fillUp(filler);
  if (command === 'free') rmSync(filler);
  return command;
}

function fillUp(filler: string): void {
  const fd = openSync(filler, 'w');
  try {
    for (;;) writeSync(fd, Buffer.alloc(4096));
  } catch {
    closeSync(fd);
  }
}

/** Root writes anywhere; a process that is not root has nothing to give up. The addon must be loaded while it can be read. */
function becomeNobody(): void {
  new Database(':memory:').close();
  if (process.getuid?.() === 0) process.setuid?.(65_534);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  report({ refused: error instanceof CommandError ? error.message : String(error) });
  process.exit(1);
}
