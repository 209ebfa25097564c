// Several event loops on one port, as `proxy.workers` asks for.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startInstance } from '../support/http-instance.ts';
import { PATIENCE } from '../support/patience.ts';
import { startInstance as startInstanceThat } from '../support/proxy.ts';
import { type QedgeProcess, startQedge } from '../support/qedge-process.ts';

const WORKERS = 3;

function toml(ports: readonly number[], proxy = `workers = ${WORKERS}`): string {
  const instances = ports.map((port, i) => `{ node = "n${i}", id = "i", url = "http://127.0.0.1:${port}" }`);
  return `${proxy}
[[service]]
name = "svc"
qos = { latency = "60s", success = 0.9, window = "1h" }
policy = "round-robin"
instances = [${instances.join(', ')}]
`;
}

/** Statuses of `count` requests, each on a connection of its own. */
function fire(url: string, count: number): Promise<number[]> {
  const one = (i: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { 'x-qedge-service': 'svc', 'x-client-id': `cam-${i % 5}` };
      request(url, { agent: new Agent({ keepAlive: false }), headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      })
        .on('error', reject)
        .end();
    });
  return Promise.all(Array.from({ length: count }, (_, i) => one(i)));
}

async function metric(qedge: QedgeProcess, name: string): Promise<number> {
  const text = await (await fetch(`${qedge.adminUrl}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function stateOf(qedge: QedgeProcess) {
  const state = (await (await fetch(`${qedge.adminUrl}/api/v1/state`)).json()) as {
    services: { clients: { clientId: string; requests: number }[]; instances: { requests: number }[] }[];
  };
  return state.services[0] ?? { clients: [], instances: [] };
}

describe('proxy.workers', () => {
  it('share one port, and are seen as one', async () => {
    const instances = [await startInstance(), await startInstance()];
    const qedge = await startQedge('pi', toml(instances.map(({ port }) => port)));
    const statuses = await fire(qedge.url, 300);
    expect(statuses.every((status) => status === 200)).toBe(true);
    await expect.poll(() => metric(qedge, 'qedge_requests_total'), PATIENCE).toBe(300);
    const state = await stateOf(qedge);
    expect(state.instances.reduce((sum, { requests }) => sum + requests, 0)).toBe(300);
    expect(state.clients.map(({ requests }) => requests)).toEqual([60, 60, 60, 60, 60]);
    expect(await qedge.stop()).toBe(0);
  });

  it('are explained, estimated and recorded together', async () => {
    const instances = [await startInstance(), await startInstance()];
    const qedge = await startQedge('pi', toml(instances.map(({ port }) => port)).replace('round-robin', 'qedgeproxy'));
    const api = `${qedge.adminUrl}/api/v1/services/svc`;
    const recording = new AbortController();
    const recorded = await fetch(`${api}/decisions?durationMs=3600000`, { signal: recording.signal });
    const answerOf = async (path: string): Promise<{ readonly [key: string]: unknown }> =>
      (await (await fetch(`${api}/${path}`)).json()) as { readonly [key: string]: unknown };
    // Once all have answered, all have heard of the recording before.
    let explained = await answerOf('explain');
    await expect
      .poll(async () => {
        explained = await answerOf('explain');
        return explained.eventLoops;
      }, PATIENCE)
      .toBe(WORKERS);
    const candidates = explained.candidates as readonly { readonly eventLoops: number }[];
    expect(candidates.reduce((sum, { eventLoops }) => sum + eventLoops, 0)).toBe(WORKERS);
    let sent = 0;
    const density = async (): Promise<unknown> => {
      sent += 60;
      await fire(qedge.url, 60);
      return answerOf('density?instance=n0/i');
    };
    await expect.poll(density, PATIENCE).toMatchObject({ key: 'n0/i' });
    let text = '';
    const attempts = (): number => text.split('\n').filter((line) => line.includes('"kind":"attempt"')).length;
    const decoder = new TextDecoder();
    for await (const chunk of recorded.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (attempts() === sent) break;
    }
    expect(attempts()).toBe(sent);
  });

  it('are refused a port that another process has', async () => {
    const instance = await startInstance();
    const qedge = await startQedge('pi', toml([instance.port]));
    const port = new URL(qedge.url).port;
    const second = toml([instance.port], `workers = ${WORKERS}\n[log]\nlevel = "info"`);
    await expect(startQedge('other', second, { proxyPort: Number(port) })).rejects.toThrow(/port is taken/);
  });

  it('share connections_max, and have in_flight_max each', async () => {
    const held: ServerResponse[] = [];
    const { port } = await startInstanceThat((_, response) => void held.push(response));
    const limits = `workers = ${WORKERS}\nconnections_max = 30`;
    const qedge = await startQedge('pi', `${toml([port], limits)}[service.limits]\nin_flight_max = 2\n`);
    const clients = Array.from({ length: 90 }, () => connect(Number(new URL(qedge.url).port), '127.0.0.1'));
    let open = clients.length;
    for (const client of clients) {
      client.on('error', () => {});
      client.on('close', () => open--);
      client.write('GET / HTTP/1.1\r\nHost: svc\r\n\r\n');
    }
    // Those that are refused are closed at once.
    await expect.poll(() => open, PATIENCE).toBeLessThanOrEqual(30);
    await expect.poll(() => metric(qedge, 'qedge_client_connections'), PATIENCE).toBe(open);
    expect(open).toBeGreaterThan(20);
    expect(held.length).toBeGreaterThan(2);
    expect(held.length).toBeLessThanOrEqual(2 * WORKERS);
    for (const client of clients) client.destroy();
  });

  it('know what the others have in flight', async () => {
    const held: string[] = [];
    const instances = await Promise.all(
      ['a', 'b'].map((name) => startInstanceThat((_request, _response) => void held.push(name))),
    );
    const text = toml(instances.map(({ port }) => port)).replace('round-robin', 'least-connections');
    const qedge = await startQedge('pi', text);
    const differences: number[] = [];
    for (let sent = 1; sent <= 24; sent++) {
      // A connection each, which the kernel gives to any of the event loops.
      const client = connect(Number(new URL(qedge.url).port), '127.0.0.1');
      onTestFinished(() => void client.destroy());
      client.on('error', () => {});
      client.write('GET / HTTP/1.1\r\nHost: svc\r\n\r\n');
      await expect.poll(() => held.length, PATIENCE).toBe(sent);
      differences.push(Math.abs(held.filter((name) => name === 'a').length * 2 - sent));
    }
    expect(Math.max(...differences)).toBe(1);
  });

  it('take over a reload without losing a request', async () => {
    const instances = [await startInstance(), await startInstance()];
    const [first = 0, second = 0] = instances.map(({ port }) => port);
    const qedge = await startQedge('pi', toml([first]));
    await fire(qedge.url, 30);
    writeFileSync(qedge.configFile, qedge.configText.replace(String(first), String(second)));
    process.kill(qedge.pid, 'SIGHUP');
    const during = await fire(qedge.url, 200);
    expect(during.every((status) => status === 200)).toBe(true);
    await expect.poll(() => qedge.log.some(({ msg }) => msg === 'configuration reloaded'), PATIENCE).toBe(true);
    await instances[0]?.close();
    const after = await fire(qedge.url, 100);
    expect(after.every((status) => status === 200)).toBe(true);
  });
});

describe('a worker', () => {
  /** Two event loops, of which the second ends as soon as a file appears, which it takes away. */
  async function startFaulty() {
    const folder = mkdtempSync(join(tmpdir(), 'qedge-worker-fault-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const preload = join(folder, 'fault.mjs');
    writeFileSync(
      preload,
      `import { isMainThread, workerData } from 'node:worker_threads';
      import { rmSync } from 'node:fs';
      const end = ${JSON.stringify(join(folder, 'end'))};
      const ends = () => { try { rmSync(end); return true; } catch { return false; } };
      if (!isMainThread && workerData?.timeOriginMs !== undefined) setInterval(() => {
        if (ends()) throw new Error('a fault of ours');
      }, 20).unref();`,
    );
    const instance = await startInstance();
    const command = [process.execPath, '--import', preload, resolve(import.meta.dirname, '../../src/main.ts')];
    const qedge = await startQedge('pi', toml([instance.port], 'workers = 2'), { command });
    return { qedge, cause: () => writeFileSync(join(folder, 'end'), '') };
  }

  it('that ends is replaced: the node is ready again, and answers as before', async () => {
    const { qedge, cause } = await startFaulty();
    const ready = async (): Promise<unknown> => (await fetch(`${qedge.adminUrl}/readyz`)).json();
    cause();
    await expect.poll(() => metric(qedge, 'qedge_workers_replaced_total'), PATIENCE).toBe(1);
    await expect.poll(ready, PATIENCE).toMatchObject({ ready: true });
    const statuses = await fire(qedge.url, 40);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(qedge.log).toContainEqual(expect.objectContaining({ msg: 'worker ended, another takes its place' }));
    expect(await qedge.stop()).toBe(0);
  });
});
