// SIGHUP on a running qedge, and what the admin port changes between two of them.

import { appendFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { StateDocument } from '../../src/admin/state/state.ts';
import { cli } from '../support/cli.ts';
import { startInstance } from '../support/http-instance.ts';
import { PATIENCE } from '../support/patience.ts';
import { type QedgeProcess, startQedge } from '../support/qedge-process.ts';

vi.setConfig({ testTimeout: 240_000 });

const toml = (port: number): string => `
[log]
level = "info"
[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
instances = ["http://127.0.0.1:${port}"]
`;

async function start(): Promise<QedgeProcess> {
  const instance = await startInstance();
  return startQedge('pi', toml(instance.port));
}

const said = (qedge: QedgeProcess, text: string) => qedge.log.filter(({ msg }) => msg === text);

async function reload(qedge: QedgeProcess, answer: string): Promise<Record<string, unknown> | undefined> {
  const before = said(qedge, answer).length;
  process.kill(qedge.pid, 'SIGHUP');
  await expect.poll(() => said(qedge, answer).length, PATIENCE).toBe(before + 1);
  return said(qedge, answer).at(-1);
}

async function admin<T>(qedge: QedgeProcess, path: string, method = 'GET', body?: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
  return (await fetch(`${qedge.adminUrl}/api/v1/${path}`, init)).json() as Promise<T>;
}

const metrics = async (qedge: QedgeProcess): Promise<string> => (await fetch(`${qedge.adminUrl}/metrics`)).text();

const request = async (qedge: QedgeProcess): Promise<number> =>
  (await fetch(qedge.url, { headers: { 'x-qedge-service': 'pilotnet' } })).status;

describe('a reload', () => {
  it('with a mistake in the file changes nothing, and says which', async () => {
    const qedge = await start();
    appendFileSync(qedge.configFile, '\n[probe]\nintervall = "1s"\n');
    const refusal = await reload(qedge, 'reload refused, nothing changed');
    expect(refusal?.problems).toEqual([expect.stringContaining('unknown key "intervall", did you mean "interval"?')]);
    expect(await request(qedge)).toBe(200);
  });

  it('that was refused is shown by the API, by status and by a metric, until a good one', async () => {
    const qedge = await start();
    const successful = async () => /^qedge_config_last_reload_successful (\d)/m.exec(await metrics(qedge))?.[1];
    const facts = async () => (await admin<StateDocument>(qedge, 'state')).node.configuration;
    expect(await successful()).toBe('1');
    appendFileSync(qedge.configFile, '\n[probe]\nintervall = "1s"\n');
    await reload(qedge, 'reload refused, nothing changed');
    expect((await facts()).problems).toEqual([
      expect.stringMatching(/^qedge\.toml:\d+:1: probe\.intervall: unknown key/),
    ]);
    expect((await cli('status', '--url', qedge.adminUrl)).out).toMatch(/last reload was refused.*\n.*probe\.intervall/);
    expect(await successful()).toBe('0');
    writeFileSync(qedge.configFile, qedge.configText);
    await reload(qedge, 'configuration reloaded');
    expect((await facts()).problems).toEqual([]);
    expect(await successful()).toBe('1');
  });

  it('that sets a port back leaves nothing that waits for a restart', async () => {
    const qedge = await start();
    const waiting = async () => (await admin<StateDocument>(qedge, 'state')).node.configuration.restartKeys;
    writeFileSync(
      qedge.configFile,
      qedge.configText.replace('[proxy]\nlisten = "127.0.0.1:0"', '[proxy]\nlisten = "127.0.0.1:1"'),
    );
    await reload(qedge, 'configuration reloaded');
    expect(await waiting()).toEqual(['proxy.listen']);
    expect((await cli('status', '--url', qedge.adminUrl)).out).toContain('waiting for a restart: proxy.listen');
    writeFileSync(qedge.configFile, qedge.configText);
    await reload(qedge, 'configuration reloaded');
    expect(await waiting()).toEqual([]);
    expect(said(qedge, 'changed keys take a restart')).toHaveLength(1);
  });

  it('does not take over another name, and says that it takes a restart', async () => {
    const qedge = await start();
    writeFileSync(qedge.configFile, qedge.configText.replace('id = "pi"', 'id = "pi-2"'));
    await reload(qedge, 'configuration reloaded');
    await expect.poll(() => said(qedge, 'changed keys take a restart').at(-1)?.keys, PATIENCE).toEqual(['node.id']);
    const { node } = await admin<{ node: { id: string } }>(qedge, 'state');
    expect(node.id).toBe('pi');
    expect(await request(qedge)).toBe(200);
  });

  it('comes back to the file from what the admin port changed, which no other action does', async () => {
    const qedge = await start();
    const policy = async () => (await admin<{ services: { policy: string }[] }>(qedge, 'state')).services[0]?.policy;
    await admin(qedge, 'log-level', 'PUT', { level: 'debug' });
    await admin(qedge, 'services/pilotnet/policy', 'POST', { name: 'round-robin' });
    expect(await admin(qedge, 'log-level')).toEqual({ level: 'debug' });
    expect(await policy()).toBe('round-robin');
    await admin(qedge, 'log-level', 'PUT', { level: 'info' });
    expect(await policy()).toBe('round-robin');
    await admin(qedge, 'log-level', 'PUT', { level: 'debug' });
    await reload(qedge, 'configuration reloaded');
    expect(await admin(qedge, 'log-level')).toEqual({ level: 'info' });
    expect(await policy()).toBe('qedge');
  });
});
