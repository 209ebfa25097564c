// The API over real routers: what the OpenAPI document promises is what comes, for every operation.

import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OPERATIONS } from '../../../src/admin/api/openapi.ts';
import type { ExplainDocument } from '../../../src/admin/state/explain.ts';
import type { StateDocument } from '../../../src/admin/state/state.ts';
import { createLogger, type Logger } from '../../../src/telemetry/log.ts';
import { createWorld, populate, type World } from '../../core/support.ts';
import { alone, type RunningAdmin, startAdmin } from '../../support/admin.ts';
import { PATIENCE } from '../../support/patience.ts';

interface Json {
  readonly [key: string]: Json;
}

let running: RunningAdmin | null = null;
let world: World;
let log: Logger;
const policies: unknown[] = [];

async function start(): Promise<string> {
  world = createWorld('qedge');
  populate(world, [1, 10, 20]);
  for (let i = 0; i < 300; i++) {
    world.request((candidate) => ({ latencyMs: candidate.rttMs + 10 + (i % 9) }));
    world.pass(20);
  }
  log = createLogger({ level: 'silent', nodeId: 'pi-7', destination: { write: () => {} } });
  const services = new Map([['pilotnet', alone(world.router)]]);
  running = await startAdmin([], {
    log,
    services: () => services,
    clock: { nowMs: () => world.nowMs },
    setPolicy: (service, policy) => void policies.push([service, policy]),
    setLogLevel: (level) => {
      log.level = level;
    },
  });
  running.events.append('pilotnet', { kind: 'panic', on: true }, world.nowMs);
  return running.url;
}

afterEach(() => {
  running = null;
  policies.length = 0;
});

function send(url: string, method: string, body?: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(url, { method, ...(method === 'GET' ? {} : { headers, body: JSON.stringify(body ?? {}) }) });
}

const BODIES: Readonly<Record<string, unknown>> = {
  Instance: { instance: 'node-1/a' },
  Eject: { instance: 'node-2/a', durationMs: 5 },
  Policy: { name: 'round-robin' },
  NewLogLevel: { level: 'error' },
};

describe('the OpenAPI document', () => {
  it.each(OPERATIONS.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
    'describes what %s answers',
    async (_name, { method, path, body }) => {
      const url = await start();
      const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Json;
      const answer = document.paths?.[path]?.[method]?.responses?.['200']?.content?.['application/json']?.schema;
      const target = `${url}${path.replace('{service}', 'pilotnet')}?instance=node-0/a`;
      const response = await send(target, method.toUpperCase(), body === undefined ? undefined : BODIES[body]);
      expect(response.status).toBe(200);
      const schema = { ...answer, $defs: document.components?.schemas };
      const text = JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/');
      z.fromJSONSchema(JSON.parse(text)).parse(await response.json());
    },
  );

  it('refuses an answer with a field that it does not describe', async () => {
    const url = await start();
    const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Json;
    const schema = document.components?.schemas?.Done as unknown as Parameters<typeof z.fromJSONSchema>[0];
    expect(z.fromJSONSchema(schema).safeParse({ done: 'x', more: 1 }).success).toBe(false);
  });
});

describe('actions', () => {
  it('drain an instance, let it back, and leave an audit line each', async () => {
    const url = await start();
    const availability = (): string | undefined =>
      world.router.candidates.find(({ key }) => key === 'node-1/a')?.availability;
    await send(`${url}/api/v1/services/pilotnet/drain`, 'POST', { instance: 'node-1/a' });
    expect(availability()).toBe('draining');
    for (let i = 0; i < 30; i++) expect(world.request(() => ({ latencyMs: 20 })).key).not.toBe('node-1/a');
    await send(`${url}/api/v1/services/pilotnet/resume`, 'POST', { instance: 'node-1/a' });
    expect(availability()).toBe('up');
    const actions = running?.events.since(0).filter(({ event }) => event.kind === 'action') ?? [];
    expect(actions.map(({ event }) => event)).toMatchObject([
      { action: 'drained', target: 'node-1/a', by: 'loopback 127.0.0.1' },
      { action: 'resumed', target: 'node-1/a' },
    ]);
  });

  it('eject an instance for as long as asked, by the former name as well', async () => {
    const url = await start();
    await send(`${url}/api/v1/services/pilotnet/cooldown`, 'POST', { instance: 'node-2/a', durationMs: 5 });
    const availabilities = (): string[] =>
      world.events.flatMap((event) => (event.kind === 'instance-availability' ? [event.availability] : []));
    await expect.poll(availabilities, PATIENCE).toEqual(['draining', 'up']);
  });

  it('say of an ejected instance when it is back, and of a drained one that it is drained', async () => {
    const url = await start();
    const service = `${url}/api/v1/services/pilotnet`;
    await send(`${service}/eject`, 'POST', { instance: 'node-1/a', durationMs: 30_000 });
    await send(`${service}/drain`, 'POST', { instance: 'node-2/a' });
    const read = async <T>(path: string): Promise<T> => (await (await fetch(`${url}/api/v1/${path}`)).json()) as T;
    const notesOf = (list: readonly { readonly key: string; readonly note: string }[] = []) =>
      ['node-1/a', 'node-2/a'].map((wanted) => list.find(({ key }) => key === wanted)?.note);
    const notesNow = async () => notesOf((await read<StateDocument>('state')).services[0]?.instances);
    const notes = [expect.stringMatching(/^ejected by hand, back in \d+\.\d s$/), 'draining'];
    expect(await notesNow()).toEqual(notes);
    expect(notesOf((await read<ExplainDocument>('services/pilotnet/explain')).candidates)).toEqual(notes);
    await send(`${service}/drain`, 'POST', { instance: 'node-1/a' });
    expect(await notesNow()).toEqual(['draining', 'draining']);
  });

  it('end an ejection early with the next word: what is drained meanwhile stays so', async () => {
    const url = await start();
    const service = `${url}/api/v1/services/pilotnet`;
    await send(`${service}/eject`, 'POST', { instance: 'node-1/a', durationMs: 50 });
    await send(`${service}/drain`, 'POST', { instance: 'node-1/a' });
    await send(`${service}/eject`, 'POST', { instance: 'node-2/a', durationMs: 200 });
    const availability = (key: string) => world.router.candidates.find((one) => one.key === key)?.availability;
    await expect.poll(() => availability('node-2/a'), PATIENCE).toBe('up');
    expect(availability('node-1/a')).toBe('draining');
  });

  it('forget what was learned', async () => {
    const url = await start();
    await send(`${url}/api/v1/services/pilotnet/forget`, 'POST');
    expect(world.router.state(world.nowMs).instances.map(({ samples }) => samples)).toEqual([0, 0, 0]);
  });

  it('change the policy to one that exists, with options that it takes', async () => {
    const url = await start();
    const policy = `${url}/api/v1/services/pilotnet/policy`;
    expect((await send(policy, 'POST', { name: 'round-robin' })).status).toBe(200);
    expect(policies).toEqual([['pilotnet', { name: 'round-robin', options: {} }]]);
    const refused = await send(policy, 'POST', { name: 'roundrobin' });
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { detail: string }).detail).toContain('unknown policy "roundrobin"');
    expect((await send(policy, 'POST', { name: 'qedge', options: { nope: 1 } })).status).toBe(400);
    expect(policies).toHaveLength(1);
  });

  it('change the log level at run time', async () => {
    const url = await start();
    expect((await send(`${url}/api/v1/log-level`, 'PUT', { level: 'debug' })).status).toBe(200);
    expect(log.level).toBe('debug');
    const refused = await send(`${url}/api/v1/log-level`, 'PUT', { level: 'loud' });
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { detail: string }).detail).toMatch(
      /^level: expected one of trace, debug, .*, got "loud"$/,
    );
  });

  it('name what they do not know, and refuse what is no JSON or comes from another site', async () => {
    const url = await start();
    const drain = `${url}/api/v1/services/pilotnet/drain`;
    const unknown = await send(drain, 'POST', { instance: 'absent/a' });
    expect(unknown.status).toBe(404);
    expect(((await unknown.json()) as { detail: string }).detail).toBe('no instance "absent/a" of service "pilotnet"');
    expect((await send(`${url}/api/v1/services/nope/drain`, 'POST', { instance: 'x/a' })).status).toBe(404);
    const detailOf = async (body: object): Promise<string> =>
      ((await (await send(drain, 'POST', body)).json()) as { detail: string }).detail;
    expect((await send(drain, 'POST', { instance: 7 })).status).toBe(400);
    expect(await detailOf({ instance: 7 })).toBe('instance: expected a string, got 7');
    expect(await detailOf({})).toBe('instance: missing, expected a string');
    expect(await detailOf([])).toBe('expected an object, got []');
    expect(await detailOf({ instance: 'x/a', until: 7 })).toBe('unknown: until');
    expect(await detailOf({ instance: [7, 'x'.repeat(99)] })).toMatch(/^instance: expected a string, got \[7,"x{56}…$/);
    const eject = await send(`${url}/api/v1/services/pilotnet/eject`, 'POST', { instance: 'x/a', durationMs: -1 });
    expect(((await eject.json()) as { detail: string }).detail).toBe('durationMs: expected at least 1, got -1');
    expect((await fetch(drain, { method: 'POST', body: 'instance=node-1/a' })).status).toBe(415);
    const foreign = { 'content-type': 'application/json', origin: 'http://evil.example' };
    expect((await fetch(drain, { method: 'POST', headers: foreign, body: '{}' })).status).toBe(403);
  });
});
