// A whole qedge in this process: what becomes of a reload that comes at a bad time, or cannot be.

import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startApp } from '../../src/app/app.ts';
import type { App } from '../../src/app/running-app.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { configFrom } from '../support/config.ts';
import { listening } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';

const TOML = `
[node]
id = "pi-7"
[proxy]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[[service]]
name = "a"
qos.latency = "80ms"
`;

const withPort = (port: number): string =>
  `${TOML}[[service]]\nname = "b"\nlisten = "127.0.0.1:${port}"\nqos.latency = "80ms"\n`;

async function start(): Promise<{ app: App; logged: string[] }> {
  const logged: string[] = [];
  const write = (line: string): void => void logged.push((JSON.parse(line) as { msg: string }).msg);
  const logger = createLogger({ level: 'info', nodeId: 'pi-7', destination: { write } });
  const log = { logger, write: () => {}, droppedLines: 0, close: () => Promise.resolve() };
  const app = await startApp(configFrom(TOML), { version: '1.0.0', commit: 'abc', log, seed: 1 });
  onTestFinished(() => app.stop());
  return { app, logged };
}

it('a reload that asks for a port which is taken changes nothing', async () => {
  const other = createServer();
  onTestFinished(() => void other.close());
  const port = await listening(other);
  const { app, logged } = await start();
  await app.reload(() => configFrom(withPort(port)));
  expect(logged).toContain('reload refused, nothing changed');
  expect([...app.services.keys()]).toEqual(['a']);
  await app.reload(() => configFrom(withPort(0)));
  expect([...app.services.keys()]).toEqual(['a', 'b']);
  expect(app.proxyListeners.map(({ name }) => name)).toEqual(['proxy', 'b']);
});

it('a storm of signals is two reloads: the first, and one for all that came meanwhile', async () => {
  const { app } = await start();
  let reads = 0;
  const read = () => {
    reads++;
    return configFrom(TOML);
  };
  const first = app.reload(read);
  await Promise.resolve();
  await Promise.all([first, ...Array.from({ length: 50 }, () => app.reload(read))]);
  expect(reads).toBeLessThanOrEqual(2);
});

it('a process that ends takes no configuration over any more', async () => {
  const { app, logged } = await start();
  const stopped = app.stop();
  await app.reload(() => configFrom(withPort(0)));
  await stopped;
  expect(logged).not.toContain('configuration reloaded');
  expect(logged.at(-1)).toBe('qedge stopped');
});

it('what happened before the clock was set has the time that it really had', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  onTestFinished(() => void vi.useRealTimers());
  const { app } = await start();
  expect(app.events.since(0)[0]?.wallMs).toBeLessThan(60_000);
  const setMs = Date.UTC(2026, 10, 28);
  vi.setSystemTime(setMs);
  const [started] = app.events.since(0);
  expect(started).toMatchObject({ event: { kind: 'lifecycle', phase: 'started' } });
  expect(started?.wallMs).toBeGreaterThan(setMs - 60_000);
});

it('an ejection ends also while a reload has taken the service away', async () => {
  const { app } = await start();
  const served = `${TOML}instances = ["http://127.0.0.1:9"]\n`;
  await app.reload(() => configFrom(served));
  const url = `http://127.0.0.1:${app.adminListener.port}/api/v1/services/a/eject`;
  const headers = { 'content-type': 'application/json' };
  // It comes behind the reload, in a turn that has room for it.
  await expect.poll(() => app.services.get('a')?.candidates.length, PATIENCE).toBe(1);
  const instance = app.services.get('a')?.candidates[0]?.key;
  const durationMs = 100;
  const body = JSON.stringify({ instance, durationMs });
  expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(200);
  await app.reload(() => configFrom(TOML.replace('name = "a"', 'name = "b"')));
  // Its time runs out meanwhile.
  await delay(durationMs);
  await app.reload(() => configFrom(served));
  await expect.poll(() => app.services.get('a')?.candidates[0]?.availability, PATIENCE).toBe('up');
});

it('a recording ends when a reload makes another service of the one that it sees', async () => {
  const { app } = await start();
  const url = `http://127.0.0.1:${app.adminListener.port}/api/v1/services/a/decisions?durationMs=3600000`;
  const recording = await fetch(url);
  let ended = false;
  const text = recording.text().finally(() => {
    ended = true;
  });
  await app.reload(() => configFrom(`${TOML}timeout = "5s"\n`));
  expect([(await fetch(url)).status, ended]).toEqual([409, false]);
  await app.reload(() => configFrom(TOML.replace('80ms', '90ms')));
  expect(await text).toContain('"latencyMs":80');
});
