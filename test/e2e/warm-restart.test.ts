// qedge as a process, stopped, killed and started again: what it had learned and where instances were is there at once.
// requires: mosquitto

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startInstance } from '../support/http-instance.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { PATIENCE } from '../support/patience.ts';
import { publisher, retain } from '../support/placement.ts';
import { type QedgeProcess, startQedge } from '../support/qedge-process.ts';

function storePath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-restart-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'qedge.db');
}

const service = (instances: readonly string[]): string => `
[[service]]
name = "pilotnet"
qos = { latency = "60s", success = 0.9, window = "1h" }
policy = "qedgeproxy"
instances = ${JSON.stringify(instances)}
`;

async function send(qedge: QedgeProcess, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) {
    const response = await fetch(`${qedge.url}/infer`, {
      headers: { 'x-qedge-service': 'pilotnet', 'x-client-id': 'camera-1' },
    });
    await response.text();
    statuses.push(response.status);
  }
  return statuses;
}

/** Instance key → samples behind its estimate. */
async function samples({ adminUrl }: QedgeProcess): Promise<Record<string, number>> {
  const response = await fetch(`${adminUrl}/api/v1/state`);
  const { services } = (await response.json()) as {
    readonly services: readonly { readonly instances: readonly { readonly key: string; readonly samples: number }[] }[];
  };
  return Object.fromEntries(services.flatMap(({ instances }) => instances.map(({ key, samples }) => [key, samples])));
}

/** Resolves after a flush that began from now on. */
async function flushed({ adminUrl }: QedgeProcess): Promise<void> {
  const startMs = Date.now();
  const lastFlushMs = async (): Promise<number> => {
    const { node } = (await (await fetch(`${adminUrl}/api/v1/state`)).json()) as {
      readonly node: { readonly store: { readonly lastFlushMs: number | null } | null };
    };
    return node.store?.lastFlushMs ?? 0;
  };
  await expect.poll(lastFlushMs, PATIENCE).toBeGreaterThan(startMs);
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0);

describe('a warm restart', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'after %s knows what was learned before the first request',
    async (signal) => {
      const [a, b] = [await startInstance(), await startInstance()];
      const toml = `${service([`127.0.0.1:${a.port}`, `127.0.0.1:${b.port}`])}\n[store]\npath = "${storePath()}"\nflush = "100ms"\n`;
      const before = await startQedge('n1', toml);
      await send(before, 40);
      const learned = await samples(before);
      expect(total(learned)).toBe(40);
      // Killed, it may lose one flush.
      if (signal === 'SIGKILL') await flushed(before);
      await before.stop(signal);
      const after = await startQedge('n1', toml);
      expect(await samples(after)).toEqual(learned);
      expect(after.log.find(({ msg }) => msg === 'qedge started')).toMatchObject({ warm: true });
    },
  );

  it('serves from the remembered placement while the broker is away, and knows its own instance again', async () => {
    const broker = await startMosquitto();
    const [own, far] = [await startInstance(), await startInstance()];
    const toml = `
[mqtt]
url = "${broker.url}"
[placement]
allow = ["127.0.0.0/8"]
[store]
path = "${storePath()}"
${service([])}
[[announce]]
service = "pilotnet"
id = "own"
url = "http://127.0.0.1:${own.port}"
health = { kind = "tcp", interval = "200ms" }
`;
    const client = await publisher(broker.url);
    await retain(client, 'qedge/v1/nodes/n2', {});
    await retain(client, 'qedge/v1/nodes/n2/services/pilotnet/instances/far', far.address);
    const before = await startQedge('n1', toml);
    await vi.waitFor(async () => expect(await before.keys('pilotnet')).toEqual(['n1/own up', 'n2/far up']), PATIENCE);
    await send(before, 40);
    const learned = await samples(before);
    expect(Object.values(learned).every((count) => count > 0)).toBe(true);
    await before.stop();
    await broker.stop();
    const after = await startQedge('n1', toml);
    expect(new Set(await send(after, 20))).toEqual(new Set([200]));
    await vi.waitFor(async () => expect(await after.keys('pilotnet')).toEqual(['n1/own up', 'n2/far up']), PATIENCE);
    const known = await samples(after);
    expect(known['n1/own']).toBeGreaterThanOrEqual(learned['n1/own'] ?? 0);
    expect(known['n2/far']).toBeGreaterThanOrEqual(learned['n2/far'] ?? 0);
  });

  it('is a cold start for a service that is now defined otherwise', async () => {
    const a = await startInstance();
    const store = `\n[store]\npath = "${storePath()}"\n`;
    const before = await startQedge('n1', `${service([`127.0.0.1:${a.port}`])}${store}`);
    await send(before, 10);
    await before.stop();
    const other = service([`127.0.0.1:${a.port}`]).replace('60s', '50s');
    const after = await startQedge('n1', `${other}${store}`);
    expect(total(await samples(after))).toBe(0);
  });
});
