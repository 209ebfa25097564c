import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { StateDocument } from '../../src/admin/state/state.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { startAdmin } from '../support/admin.ts';
import { routerStateOf } from '../support/router-state.ts';
import { countTurns } from '../support/turns.ts';

describe('the admin port', () => {
  it('is alive as soon as it listens, and ready with reasons why not', async () => {
    const { url } = await startAdmin([routerStateOf()], {
      lifecycle: () => ({ listening: false, placementSynced: true, draining: false, absentWorkers: [] }),
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({
      ready: false,
      reasons: ['the proxy port is not listening yet'],
      withoutInstance: ['pilotnet'],
    });
  });

  it('says to one that logs in that it asks for no token where none is configured', async () => {
    const { url } = await startAdmin([]);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/v1/session`, { method: 'POST', headers, body: '{"token":"x"}' });
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { detail: 'no admin token is configured, so none is asked for' },
    ]);
  });

  it('says which methods it serves to those that it does not', async () => {
    const { url } = await startAdmin([]);
    const answerTo = (method: string): Promise<[number | undefined, string | undefined]> =>
      new Promise((resolve, reject) => {
        const asked = request(`${url}/api/v1/state`, { method }, (response) => {
          response.resume();
          resolve([response.statusCode, response.headers.allow]);
        });
        asked.on('error', reject).end();
      });
    expect(await answerTo('TRACE')).toEqual([405, 'GET, HEAD, POST, PUT, DELETE']);
    expect((await answerTo('PROPFIND'))[0]).toBe(405);
    expect((await answerTo('HEAD'))[0]).toBe(200);
  });

  it('reports the state of every service and of the node', async () => {
    const state = routerStateOf();
    const { url } = await startAdmin([state]);
    const answer = (await (await fetch(`${url}/api/v1/state`)).json()) as StateDocument;
    expect(answer).toMatchObject({ ready: true, node: { id: 'pi-7', process: { pid: process.pid } } });
    expect(answer.services).toEqual([state]);
  });

  it('reports events after a number, in words', async () => {
    const { url, events } = await startAdmin([]);
    events.append('pilotnet', { kind: 'instance-added', key: 'pi-1/a' }, 1_000);
    events.append('pilotnet', { kind: 'ejected', key: 'pi-1/a', untilMs: 11_000, reason: '3 misses in a row' }, 1_000);
    const { events: answer } = (await (await fetch(`${url}/api/v1/events?since=1`)).json()) as { events: unknown };
    expect(answer).toMatchObject([
      { sequence: 2, service: 'pilotnet', subject: 'pi-1/a', message: 'ejected for 10.0 s: 3 misses in a row' },
    ]);
  });

  it('keeps its token where it is bound beyond loopback, also when the configuration has none by now', async () => {
    const { url, admin } = await startAdmin([], { config: { listen: { host: '0.0.0.0', port: 0 }, token: 's3cret' } });
    admin.setToken(null);
    expect((await fetch(`${url}/api/v1/state`)).status).toBe(401);
    admin.setToken('other');
    const headers = { authorization: 'Bearer other' };
    expect((await fetch(`${url}/api/v1/state`, { headers })).status).toBe(200);
  });

  it('answers guesses late and few at a time, says so once, and the right token at once', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const { url } = await startAdmin([], { log, config: { listen: { host: '127.0.0.1', port: 0 }, token: 's3cret' } });
    const ask = async (token: string): Promise<number> =>
      (await fetch(`${url}/api/v1/state`, { headers: { authorization: `Bearer ${token}` } })).status;
    const begunMs = performance.now();
    expect((await Promise.all(Array.from({ length: 20 }, () => ask('wrong')))).sort()).toEqual([
      ...Array.from({ length: 4 }, () => 401),
      ...Array.from({ length: 16 }, () => 429),
    ]);
    expect(performance.now() - begunMs).toBeGreaterThan(900);
    expect(lines.filter(({ msg }) => msg === 'wrong admin token')).toHaveLength(1);
    expect(await ask('s3cret')).toBe(200);
  });

  it('takes no body longer than 64 KiB, before it asks for the token, whether it says its length or not', async () => {
    const { url } = await startAdmin([], { config: { listen: { host: '127.0.0.1', port: 0 }, token: 's3cret' } });
    const headers = { 'content-type': 'application/json' };
    const stated = await fetch(`${url}/api/v1/session`, { method: 'POST', headers, body: 'x'.repeat(65_537) });
    expect(stated.status).toBe(413);
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(Buffer.alloc(65_536, 'x'));
      },
    });
    const unstated = fetch(`${url}/api/v1/log-level`, { method: 'PUT', headers, body: endless, duplex: 'half' });
    expect(
      await unstated.then(
        ({ status }) => status,
        () => 'cut off',
      ),
    ).toSatisfy((it) => [413, 'cut off'].includes(it));
    expect(pulled).toBeLessThan(500);
  });

  it.each([
    ['requests sent ahead', `${'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(500)}`],
    [
      'a body in chunks of a byte',
      `POST /api/v1/session HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(10_000)}0\r\n\r\n`,
    ],
  ])('leaves turns to the traffic while it takes %s', async (_, bytes) => {
    const { url } = await startAdmin([]);
    const request = connect(Number(new URL(url).port), '127.0.0.1');
    request.end(`${bytes}GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const turns = countTurns();
    expect(await text(request)).toMatch(/ok\n$/);
    expect(turns()).toBeGreaterThan(20);
  });

  it('refuses a host of which no URL can be made', async () => {
    const { url } = await startAdmin([]);
    const request = connect(Number(new URL(url).port), '127.0.0.1');
    request.end('POST /api/v1/session HTTP/1.1\r\nHost: lo.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
    expect(await text(request)).toMatch(/^HTTP\/1\.1 400 .*"lo\.1\\" is no host/s);
  });

  it('refuses a body nested beyond reason', async () => {
    const { url } = await startAdmin([]);
    const headers = { 'content-type': 'application/json' };
    const body = `{"level":${'['.repeat(9_000)}${']'.repeat(9_000)}}`;
    const refused = await fetch(`${url}/api/v1/log-level`, { method: 'PUT', headers, body });
    expect([refused.status, await refused.json()]).toMatchObject([400, { detail: expect.stringMatching(/nested/) }]);
  });

  it('demands the token where one is set, but not for health', async () => {
    const { url } = await startAdmin([], { config: { listen: { host: '127.0.0.1', port: 0 }, token: 's3cret' } });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const refused = await fetch(`${url}/api/v1/state`);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    const allowed = await fetch(`${url}/api/v1/state`, { headers: { authorization: 'Bearer s3cret' } });
    expect(allowed.status).toBe(200);
  });

  it('refuses to be made for other machines without a token', async () => {
    await expect(startAdmin([], { config: { listen: { host: '0.0.0.0', port: 0 }, token: null } })).rejects.toThrow(
      'admin.listen: 0.0.0.0 is reachable from other machines, which needs admin.token',
    );
  });

  it('says which port is taken', async () => {
    const { url } = await startAdmin([]);
    const port = Number(new URL(url).port);
    await expect(startAdmin([], { config: { listen: { host: '127.0.0.1', port }, token: null } })).rejects.toThrow(
      `admin.listen: 127.0.0.1:${port}: the port is taken`,
    );
  });

  it('answers 500 to what goes wrong inside, and logs the same failure once a minute', async () => {
    const lines: string[] = [];
    const log = createLogger({
      level: 'error',
      nodeId: 'pi-7',
      destination: { write: (line) => void lines.push(line) },
    });
    const { url } = await startAdmin([], {
      log,
      lifecycle: () => {
        throw new Error('broken');
      },
    });
    for (let i = 0; i < 3; i++) expect((await fetch(`${url}/readyz`)).status).toBe(500);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'admin request failed', path: '/readyz', suppressed: 0 });
  });
});
