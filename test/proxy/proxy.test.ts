// The main job over real sockets: a request reaches an instance, its answer comes back, the router learns how it went.

import { describe, expect, it } from 'vitest';
import { bodyOf, deadPort, rawRequest, startInstance, startProxy } from '../support/proxy.ts';

describe('choosing the service', () => {
  it('takes the service header first', async () => {
    const pilotnet = await startInstance((_, response) => response.end('pilotnet'));
    const yolo = await startInstance((_, response) => response.end('yolo'));
    const { url } = await startProxy([
      { name: 'pilotnet', ports: [pilotnet.port] },
      { name: 'yolo', ports: [yolo.port] },
    ]);
    const answer = await fetch(`${url}/infer`, { headers: { 'X-QEdge-Service': 'yolo' } });
    expect(await answer.text()).toBe('yolo');
  });

  it('takes the first label of Host without the header', async () => {
    const instance = await startInstance((_, response) => response.end('here'));
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const answer = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: pilotnet.local:8080\r\nConnection: close\r\n\r\n');
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('here');
  });

  it('takes the listener that belongs to a service before anything else', async () => {
    const instance = await startInstance((request, response) => response.end(request.url));
    const { portOf } = await startProxy([
      { name: 'pilotnet', ports: [instance.port], listen: { host: '127.0.0.1', port: 0 } },
    ]);
    const answer = await fetch(`http://127.0.0.1:${portOf('pilotnet')}/-/ping?x=1`);
    expect(await answer.text()).toBe('/-/ping?x=1');
  });

  it('answers 404 with the ways to name a service', async () => {
    const { url } = await startProxy([{ name: 'pilotnet', ports: [] }]);
    const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'nope' } });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-qedge-error')).toBe('unknown-service');
    const problem = (await answer.json()) as { detail: string; status: number };
    expect(problem.status).toBe(404);
    expect(problem.detail).toContain('no service is called "nope"');
    expect(problem.detail).toContain('X-QEdge-Service');
  });
});

describe('own endpoints', () => {
  it('answer a ping with 204 and no body', async () => {
    const { port } = await startProxy([]);
    const answer = await rawRequest(port, 'GET /-/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(answer.status).toBe(204);
    expect(answer.body).toBe('');
    const { status } = await rawRequest(port, 'HEAD /-/ping?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(status).toBe(204);
  });

  it('leave every other method and path to the services', async () => {
    const instance = await startInstance((request, response) => response.end(`${request.method} ${request.url}`));
    const { url } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const headers = { 'X-QEdge-Service': 'pilotnet' };
    const answers = [fetch(`${url}/-/ping`, { method: 'POST', headers }), fetch(`${url}/-/pong`, { headers })];
    const texts = (await Promise.all(answers)).map((answer) => answer.text());
    expect(await Promise.all(texts)).toEqual(['POST /-/ping', 'GET /-/pong']);
  });
});

describe('forwarding', () => {
  it('passes a body up and an answer down', async () => {
    const instance = await startInstance(async (request, response) => {
      const body = await bodyOf(request);
      response.writeHead(201, 'Made', {
        'X-Method': request.method,
        'X-Url': request.url,
        'Set-Cookie': ['a=1', 'b=2'],
      });
      response.end(body);
    });
    const { url } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const answer = await fetch(`${url}/frames?n=1`, {
      method: 'POST',
      body: 'x'.repeat(20_000),
      headers: { 'X-QEdge-Service': 'pilotnet' },
    });
    expect(answer.status).toBe(201);
    expect(answer.statusText).toBe('Made');
    expect(answer.headers.get('x-method')).toBe('POST');
    expect(answer.headers.get('x-url')).toBe('/frames?n=1');
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await answer.text()).toBe('x'.repeat(20_000));
  });

  it('streams a body that is too large to collect', async () => {
    const instance = await startInstance(async (request, response) =>
      response.end(String((await bodyOf(request)).length)),
    );
    const { url } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const answer = await fetch(url, {
      method: 'POST',
      body: Buffer.alloc(5_000_000),
      headers: { 'X-QEdge-Service': 'pilotnet' },
    });
    expect(await answer.text()).toBe('5000000');
  });

  it('says which instance answered and how long it took', async () => {
    const instance = await startInstance((_, response) => response.end('ok'));
    const { url } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } });
    expect(answer.headers.get('x-qedge-instance')).toBe('n1/a');
    expect(answer.headers.get('server-timing')).toMatch(/^qedge;dur=\d+\.\d\d, upstream;dur=\d+\.\d\d$/);
    expect(answer.headers.get('via')).toBe('1.1 qedge-n0');
  });

  it('reports the router of every attempt, and the account of every request', async () => {
    const instance = await startInstance((request, response) => {
      response.statusCode = request.url === '/bad' ? 500 : 200;
      response.end();
    });
    const { url, observed, accounts } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const headers = { 'X-QEdge-Service': 'pilotnet', 'X-Client-Id': 'camera-1' };
    await fetch(url, { headers });
    await fetch(`${url}/bad`, { headers });
    expect(observed.map(({ key, result }) => [key, result])).toEqual([
      ['n1/a', 'answered'],
      ['n1/a', 'failed'],
    ]);
    expect(accounts).toEqual([
      { clientId: 'camera-1', success: true },
      { clientId: 'camera-1', success: false },
    ]);
  });
});

describe('failures', () => {
  it('answers 503 for a service without instances', async () => {
    const { url } = await startProxy([{ name: 'pilotnet', ports: [] }]);
    const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('x-qedge-error')).toBe('no-instance');
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('answers 503 where no instance has what security demands, and the detail says what that is', async () => {
    const instance = await startInstance((_, response) => response.end());
    const security = { tls: true, tiers: null, hopsMax: null, labels: { tpm: '2.0' }, accuracyMin: null };
    const { url } = await startProxy([{ name: 'pilotnet', ports: [instance.port], qos: { security } }]);
    const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } });
    expect([answer.status, answer.headers.get('x-qedge-error')]).toEqual([503, 'no-instance']);
    const { detail }: { detail?: unknown } = Object(await answer.json());
    expect(detail).toBe('no instance of the service has what qos.security demands: tls, tpm=2.0');
    expect(instance.connections()).toBe(0);
  });

  it('tries another instance when one refuses, with any method', async () => {
    const instance = await startInstance(async (request, response) => response.end(await bodyOf(request)));
    const dead = await deadPort();
    const { url, observed } = await startProxy([{ name: 'pilotnet', ports: [dead, instance.port] }]);
    const headers = { 'X-QEdge-Service': 'pilotnet' };
    for (let i = 0; i < 2; i++) {
      const answer = await fetch(url, { method: 'POST', body: 'frame', headers });
      expect(await answer.text()).toBe('frame');
    }
    expect(observed.filter(({ result }) => result === 'refused').map(({ key }) => key)).toEqual(['n1/a']);
  });

  it('answers 502 when no instance can be reached', async () => {
    const { url, accounts } = await startProxy([{ name: 'pilotnet', ports: [await deadPort()] }]);
    const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } });
    expect(answer.status).toBe(502);
    expect(answer.headers.get('x-qedge-error')).toBe('upstream-connect');
    expect(accounts).toEqual([{ clientId: '127.0.0.1', success: false }]);
  });

  it('answers 504 when an instance says nothing in time', async () => {
    const instance = await startInstance(() => {});
    const { url, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port], timeoutMs: 60 }]);
    const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } });
    expect(answer.status).toBe(504);
    expect(answer.headers.get('x-qedge-error')).toBe('upstream-timeout');
    expect(observed.map(({ result }) => result)).toContain('timeout');
  });

  it('answers 400 and closes for what it cannot parse', async () => {
    const { port } = await startProxy([]);
    const answer = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n');
    expect(answer.status).toBe(400);
    expect(answer.head).toContain('X-QEdge-Error: bad-request');
    expect(answer.ending).toBe('end');
  });
});
