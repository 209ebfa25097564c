import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import type { StateDocument } from '../../src/admin/state.ts';
import { type RunningAdmin, startAdmin } from '../support/admin.ts';
import { instanceStateOf, routerStateOf } from '../support/router-state.ts';

let running: RunningAdmin | null = null;

afterEach(async () => {
  await running?.admin.close();
  running = null;
});

async function start(...given: Parameters<typeof startAdmin>): Promise<RunningAdmin> {
  running = await startAdmin(...given);
  return running;
}

describe('the admin port', () => {
  it('is alive as soon as it listens, and ready with reasons why not', async () => {
    const { url } = await start([routerStateOf()], {
      lifecycle: () => ({ listening: false, placementSynced: true, draining: false }),
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ ready: false, reasons: ['the proxy port is not listening yet'] });
  });

  it('tells the state of every service and of the node', async () => {
    const state = routerStateOf();
    const { url } = await start([state]);
    const told = (await (await fetch(`${url}/api/v1/state`)).json()) as StateDocument;
    expect(told).toMatchObject({ ready: true, node: { id: 'pi-7', process: { pid: process.pid } } });
    expect(told.services).toEqual([state]);
  });

  it('tells events after a number, in words', async () => {
    const { url, events } = await start([]);
    events.append('pilotnet', { kind: 'instance-added', key: 'pi-1/a' }, 1_000);
    events.append('pilotnet', { kind: 'cooldown', key: 'pi-1/a', untilMs: 11_000, reason: '3 misses in a row' }, 1_000);
    const { events: told } = (await (await fetch(`${url}/api/v1/events?since=1`)).json()) as { events: unknown };
    expect(told).toMatchObject([
      { sequence: 2, service: 'pilotnet', subject: 'pi-1/a', message: 'sits out for 10.0 s: 3 misses in a row' },
    ]);
  });

  it('demands the token where one is set, but not for health', async () => {
    const { url } = await start([], { config: { listen: { host: '127.0.0.1', port: 0 }, token: 's3cret' } });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const refused = await fetch(`${url}/api/v1/state`);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    const allowed = await fetch(`${url}/api/v1/state`, { headers: { authorization: 'Bearer s3cret' } });
    expect(allowed.status).toBe(200);
  });

  it('refuses to be made for other machines without a token', async () => {
    await expect(start([], { config: { listen: { host: '0.0.0.0', port: 0 }, token: null } })).rejects.toThrow(
      'admin.listen: 0.0.0.0 is reachable from other machines, which needs admin.token',
    );
  });

  it('says which port is taken', async () => {
    const { url } = await start([]);
    const port = Number(new URL(url).port);
    await expect(startAdmin([], { config: { listen: { host: '127.0.0.1', port }, token: null } })).rejects.toThrow(
      `admin.listen: 127.0.0.1:${port}: the port is taken`,
    );
  });
});

describe('the metrics', () => {
  it('mirror the state of services and instances at each scrape', async () => {
    const { url } = await start([routerStateOf({ instances: [instanceStateOf('pi-1', { cooldownMs: 2_500 })] })]);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('qedge_instance_cooldown_seconds{service="pilotnet",upstream="pi-1/a"} 2.5');
    expect(text).toContain('qedge_service_success_ratio{service="pilotnet"} 0.97');
    expect(text).toContain('qedge_service_pool_instances{service="pilotnet",pool="exploitation"} 1');
    expect(text).not.toContain('camera-1');
  });

  it('leave out what is not known rather than guess it', async () => {
    const unknown = instanceStateOf('pi-1', { rttKnown: false, successProbability: null, processingMs: null });
    const { url } = await start([routerStateOf({ instances: [unknown], successRatio: null })]);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).not.toMatch(/^qedge_instance_rtt_seconds\{/m);
    expect(text).not.toMatch(/^qedge_service_success_ratio\{/m);
  });

  it('satisfy promtool', async () => {
    const { url, events } = await start([routerStateOf()]);
    events.append(null, { kind: 'lifecycle', phase: 'started', detail: '' }, 0);
    const input = await (await fetch(`${url}/metrics`)).text();
    expect(execFileSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })).toBe('');
  });

  it('come as OpenMetrics where asked for', async () => {
    const { url } = await start([routerStateOf()]);
    const answer = await fetch(`${url}/metrics`, {
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    });
    expect(answer.headers.get('content-type')).toContain('application/openmetrics-text');
    expect((await answer.text()).endsWith('# EOF\n')).toBe(true);
  });
});
