import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ExplainDocument } from '../../../src/admin/state/explain.ts';
import type { StateDocument } from '../../../src/admin/state/state.ts';
import { AdminClient } from '../../../src/cli/admin-client.ts';
import { explainLines } from '../../../src/cli/commands/explain.ts';
import { statusLines } from '../../../src/cli/commands/status.ts';
import { plainPaint } from '../../../src/terminal/paint.ts';
import { type RunningAdmin, startAdmin } from '../../support/admin.ts';
import { cli } from '../../support/cli.ts';
import { PATIENCE } from '../../support/patience.ts';
import { QEDGE } from '../../support/qedge-command.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

let running: RunningAdmin | null = null;

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await running?.admin.close();
  running = null;
});

async function start(...given: Parameters<typeof startAdmin>): Promise<string> {
  running = await startAdmin(...given);
  return running.url;
}

const STATES = [
  routerStateOf({
    instances: [
      instanceStateOf('far', { weight: 0.25, rttKnown: false, rttMs: 40, successProbability: null }),
      instanceStateOf('near', { weight: 0.75, local: true }),
      instanceStateOf('out', { weight: 0, pool: 'out', cooldownMs: 4_200, note: 'after 3 misses in a row' }),
    ],
  }),
];

/** In a terminal (of `script`, which is on every Debian), until it has drawn once and gets the signal. */
async function watched(url: string, signal: NodeJS.Signals): Promise<string> {
  const command = `exec ${QEDGE.join(' ')} status --watch --url ${url}`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  terminal.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const ended = once(terminal, 'close');
  await expect.poll(() => text, PATIENCE).toContain('pi-7');
  process.kill(Number(readFileSync(`/proc/${terminal.pid}/task/${terminal.pid}/children`, 'utf8')), signal);
  await ended;
  return text;
}

describe('qedge status', () => {
  it.each(['SIGTERM', 'SIGHUP'] as const)('gives the terminal its cursor back when %s ends it', async (signal) => {
    const text = await watched(await start(STATES), signal);
    expect(text.split('\x1b[?25l')).toHaveLength(2);
    expect(text.split('\x1b[?25h')).toHaveLength(2);
  });

  it('shows each service, its clients and its instances, the heaviest first', async () => {
    const { status, out } = await cli('status', '--url', await start(STATES));
    expect(status).toBe(0);
    expect(out).toContain('qedge 1.2.3 on pi-7');
    expect(out).toContain('pilotnet by qedgeproxy, wanted: 90 % within 80 ms over 10 s');
    expect(out).toContain('met for 75 % of clients, success 97.0 %, 10.0 requests/s,');
    expect(out).toContain('worst served: camera-1 82.0 %');
    const order = ['near/a', 'far/a', 'out/a'].map((key) => out.indexOf(key));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(out).toMatch(/far\/a +exploitation +25\.0 % +- +~40 ms/);
    expect(out).toMatch(/out\/a +ejected 4\.2 s +0\.0 %/);
  });

  it('tells requests that count neither way from none', async () => {
    const nothing = { successRatio: null, clientsSatisfiedRatio: null };
    const states = [
      routerStateOf({ ...nothing, service: 'refused', requestsPerSecond: 0.4 }),
      routerStateOf({ ...nothing, service: 'silent', requestsPerSecond: 0.001 }),
    ];
    const { out } = await cli('status', '--url', await start(states));
    expect(out).toContain('  no request that counts lately, 0.4 requests/s,');
    expect(out).toContain('  no requests lately, 0.0 requests/s,');
  });

  it('says what a request takes, where the instances know', async () => {
    const [state] = STATES;
    const instances = (state?.instances ?? []).map((one) => {
      return {
        ...one,
        requestsPerSecond: 5,
        instance: { ...one.instance, profile: { energy_mwh: 0.1, cost: 0.0025 } },
      };
    });
    const { out } = await cli('status', '--url', await start([routerStateOf({ instances })]));
    expect(out).toContain('10.0 requests/s, 0.100 mWh a request, cost 0.0025 a');
  });

  it('leaves out what matters least where the terminal is narrow, and wraps nothing', async () => {
    const state = await new AdminClient({ url: await start(STATES) }).get<StateDocument>('/api/v1/state');
    const lines = statusLines(state, { width: 60, paint: plainPaint });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    expect(lines.join('\n')).toContain('weight');
    expect(lines.join('\n')).not.toContain('samples');
  });

  it('says which neighbours help, which are not believed, and which say nothing any more', async () => {
    const spoke = { heardAgeMs: 900, silent: false, summaries: 30, instances: 2, samples: 6.25 };
    const one = { ...spoke, ignoredMs: 0, wrongOver: null };
    const liar = { ...one, nodeId: 'pi-9', ignoredMs: 41_000, wrongOver: 'near/a' };
    const gone = { ...one, nodeId: 'pi-6', heardAgeMs: 17_000, silent: true, samples: 0 };
    const heard = [{ ...one, nodeId: 'pi-8' }, liar, gone];
    const { out } = await cli('status', '--url', await start([routerStateOf({ neighbours: { use: true, heard } })]));
    const text = out.replaceAll(/\s+/g, ' ');
    expect(text).toContain('neighbours used: pi-8 6.3 samples of 2 instances');
    expect(text).toContain('pi-9 ignored for 41 s, wrong about near/a, pi-6 silent for 17 s');
  });

  it('draws no table where no instance is known', async () => {
    const state = await new AdminClient({ url: await start(STATES) }).get<StateDocument>('/api/v1/state');
    const services = state.services.map((service) => ({ ...service, instances: [] }));
    const lines = statusLines({ ...state, services }, { width: 120, paint: plainPaint });
    expect(lines.join('\n')).toContain('requests/s, no instance known');
    expect(lines.join('\n')).not.toContain('standing');
  });

  it('names what fails and why above the table, however narrow the terminal is', async () => {
    const state = await new AdminClient({ url: await start(STATES) }).get<StateDocument>('/api/v1/state');
    const reasons = [{ reason: 'status 500', share: 1 }];
    const services = state.services.map((service) => ({
      ...service,
      instances: [instanceStateOf('pi-9', { failing: true, reasons }), instanceStateOf('pi-8')],
    }));
    const text = statusLines({ ...state, services }, { width: 50, paint: plainPaint }).join(' ');
    expect(text.replace(/\s+/g, ' ')).toContain(
      'service "pilotnet": instances that fail: 1 of 2; pi-9/a: status 500 100 % of its last attempts',
    );
  });

  it('says why the store fails, however narrow the terminal is', async () => {
    const state = await new AdminClient({ url: await start(STATES) }).get<StateDocument>('/api/v1/state');
    const store = { path: '/s.db', ok: false, detail: 'the disk is full (SQLITE_FULL)', lastFlushMs: null, bytes: 0 };
    const lines = statusLines({ ...state, node: { ...state.node, store } }, { width: 40, paint: plainPaint });
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain('store failing: the disk is full (SQLITE_FULL)');
  });

  it('exits 1 with --exit-code when it is not ready', async () => {
    const lifecycle = () => ({ listening: true, placementSynced: true, draining: true, absentWorkers: [] });
    const url = await start(STATES, { lifecycle });
    expect((await cli('status', '--url', url)).status).toBe(0);
    expect((await cli('status', '--url', url, '--exit-code')).status).toBe(1);
    process.exitCode = 0;
  });

  it('prints the document of the API for programs', async () => {
    const { out } = await cli('status', '--json', '--url', await start(STATES));
    expect(JSON.parse(out)).toMatchObject({ node: { id: 'pi-7' }, services: [{ service: 'pilotnet' }] });
  });

  it('takes an address without a scheme for http, and what is no address for wrong usage', async () => {
    const url = await start(STATES);
    expect((await cli('status', '--url', `${url.replace('http://', '')}/`)).status).toBe(0);
    const wrong = await cli('status', '--url', 'ftp://127.0.0.1');
    expect(wrong).toMatchObject({ status: 64, out: '' });
    expect(wrong.err).toContain('--url: expected an address such as http://127.0.0.1:9901, got "ftp://127.0.0.1"');
  });

  it('says that nothing answers, and which address it asked', async () => {
    const url = await start([]);
    await running?.admin.close();
    const { status, err } = await cli('status', '--url', url);
    expect(status).toBe(1);
    expect(err).toContain(`no qedge answers at ${url}: connection refused`);
    const blocked = await cli('status', '--url', 'http://127.0.0.1:6000');
    expect(blocked.err.replace(/\s+/g, ' ')).toContain('6000: browsers and fetch refuse this port');
  });

  it('finds localhost without being given an address, past any proxy of the environment', async () => {
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
    const port = new URL(await start(STATES)).port;
    expect((await cli('status', '--url', `http://qedge.localhost:${port}`)).out).toContain('qedge 1.2.3 on pi-7');
  });

  it('says of a name that it has no address, without codes', async () => {
    const { status, err } = await cli('status', '--url', 'nowhere.invalid');
    expect(status).toBe(1);
    expect(err).toMatch(/no qedge answers at\s+http:\/\/nowhere\.invalid:/);
    expect(err.replace(/\s+/g, ' ')).toContain('the name has no address');
    expect(err).not.toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  it('takes the token from the environment, and says so when it is missing', async () => {
    const url = await start([], { config: { listen: { host: '127.0.0.1', port: 0 }, token: 's3cret' } });
    expect((await cli('status', '--url', url)).err).toContain('set QEDGE_ADMIN_TOKEN');
    vi.stubEnv('QEDGE_ADMIN_TOKEN', 'guess');
    expect((await cli('status', '--url', url)).err).toContain('the token sent is not its admin.token');
    vi.stubEnv('QEDGE_ADMIN_TOKEN', 's3cret');
    expect((await cli('status', '--url', url)).status).toBe(0);
  });
});

describe('qedge explain', () => {
  it('keeps within the terminal and leaves no figure out', async () => {
    const explained = await new AdminClient({ url: await start(STATES) }).get<ExplainDocument>(
      '/api/v1/services/pilotnet/explain',
    );
    const lines = explainLines(explained, { width: 60, paint: plainPaint });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    for (const header of ['rtt', 'processing', 'weight', 'in flight', 'cooldown']) {
      expect(lines.filter((line) => line.startsWith('  instance') && line.includes(header))).toHaveLength(1);
    }
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toContain('out/a: ejected for 4.2 s (after 3 misses in a row)');
  });

  it('draws no table without a candidate', async () => {
    const explained = await new AdminClient({ url: await start(STATES) }).get<ExplainDocument>(
      '/api/v1/services/pilotnet/explain',
    );
    const none = { ...explained, candidates: [], chosen: null, byChance: false, reason: 'no instance is known' };
    expect(explainLines(none, { width: 60, paint: plainPaint })).toEqual([
      'pilotnet: the next request goes to no instance',
      '  no instance is known',
    ]);
  });

  it('prints each candidate with its figures and a reason, or names the service it does not know', async () => {
    const url = await start(STATES);
    const { out } = await cli('explain', 'pilotnet', '--url', url);
    expect(out).toContain('pilotnet: the next request goes to one not known beforehand');
    expect(out).toMatch(/near\/a +12 ms +20 ms +40 +95\.0 % +75\.0 % +0 +-/);
    expect(out).toContain('out/a: ejected for 4.2 s (after 3 misses in a row)');
    const unknown = await cli('explain', 'pilotnett', '--url', url);
    expect(unknown).toMatchObject({ status: 1, out: '' });
    expect(unknown.err).toContain('no service "pilotnett", expected one of pilotnet');
  });
});
