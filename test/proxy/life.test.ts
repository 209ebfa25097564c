// How a proxy starts, changes and stops.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { listening } from '../support/listening.ts';
import { bodyOf, proxyConfig, rawRequest, serviceOf, startInstance, startProxy, until } from '../support/proxy.ts';

/** What has come so far. */
function textOf(socket: Socket): () => string {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  return () => text;
}

/** From here on time passes only where the test says so. */
function holdTheClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
}

const HEADERS = { 'X-QEdge-Service': 'pilotnet' };

describe('starting', () => {
  it('says which port is taken', async () => {
    const other = createServer();
    onTestFinished(() => void other.close());
    const port = await listening(other);
    await expect(startProxy([], { listen: { host: '127.0.0.1', port } })).rejects.toThrow(
      `proxy.listen: 127.0.0.1:${port}: the port is taken`,
    );
  });

  it('says which address is none of this machine', async () => {
    await expect(startProxy([], { listen: { host: '192.0.2.1', port: 8080 } })).rejects.toThrow(
      'proxy.listen: 192.0.2.1:8080: no address of this machine',
    );
  });
});

describe('closing', () => {
  it('is over for each of two callers, with what was under way', async () => {
    const instance = await startInstance(() => {});
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const client = connect(port, '127.0.0.1').on('error', () => {});
    client.write('GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await until(() => proxy.stats().inFlight === 1);
    await Promise.all([proxy.close(), proxy.close()]);
    expect(proxy.stats()).toMatchObject({ connections: 0, inFlight: 0 });
  });
});

describe('draining', () => {
  it('finishes what is in flight, takes nothing new, and closes', async () => {
    const instance = await startInstance((_, response) => setTimeout(() => response.end('done'), 500));
    const { port, url, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const inFlight = rawRequest(port, 'GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await until(() => proxy.stats().inFlight === 1);
    const drained = proxy.drain();
    await until(() => proxy.listeners.length > 0);
    await expect(fetch(`${url}/-/ping`)).rejects.toThrow();
    const answer = await inFlight;
    expect(answer.body).toContain('done');
    expect(answer.ending).toBe('end');
    await drained;
    expect(proxy.stats().connections).toBe(0);
  });

  it('serves a connection that was accepted but had said nothing yet, and closes it with the answer', async () => {
    const instance = await startInstance((_, response) => response.end('done'));
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    await until(() => proxy.stats().connections === 1);
    const drained = proxy.drain();
    client.write('GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    let text = '';
    client.on('data', (chunk) => {
      text += chunk;
    });
    await once(client, 'end');
    expect(text).toContain('done');
    expect(text).toContain('Connection: close');
    client.destroy();
    await drained;
  });

  it('still serves a connection that lay idle, and closes it with the answer', async () => {
    let release = (): void => {};
    const instance = await startInstance((request, response) => {
      if (request.url === '/held') release = () => response.end('held');
      else response.end('done');
    });
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], { drainMs: 60_000 });
    const held = rawRequest(port, 'GET /held HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    const idle = connect(port, '127.0.0.1');
    const answers = textOf(idle);
    idle.write('GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await until(() => answers().includes('done') && proxy.stats().inFlight === 1);
    const drained = proxy.drain();
    idle.write('GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await once(idle, 'end');
    expect(answers().match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
    expect(answers()).toContain('Connection: close');
    idle.destroy();
    release();
    expect((await held).body).toContain('held');
    await drained;
  });

  it('closes connections that stay silent, and waits for none that carries a request', async () => {
    const instance = await startInstance((_, response) => response.end('done'));
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], { drainMs: 60_000 });
    const silent = connect(port, '127.0.0.1');
    silent.resume();
    await until(() => proxy.stats().connections === 1);
    const drained = proxy.drain();
    await once(silent, 'end');
    await drained;
    expect(proxy.stats().connections).toBe(0);
  });

  it('refuses what comes so late that it would be cut off', async () => {
    const instance = await startInstance(() => {});
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], { drainMs: 400 });
    const stuck = rawRequest(port, 'GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    const late = connect(port, '127.0.0.1');
    const answer = textOf(late);
    const ended = once(late, 'end');
    late.write('GET / HTTP/1.1\r\nHost: pil');
    await until(() => proxy.stats().inFlight === 1 && proxy.stats().connections === 2);
    holdTheClock();
    const drained = proxy.drain();
    await vi.advanceTimersByTimeAsync(310);
    late.write('otnet\r\nX-QEdge-Service: pilotnet\r\n\r\n');
    await ended;
    expect(answer()).toContain('X-QEdge-Error: draining');
    await vi.advanceTimersByTimeAsync(100);
    await drained;
    await stuck;
    late.destroy();
  });

  it('closes idle connections before it would refuse what comes on them', async () => {
    const instance = await startInstance(() => {});
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], { drainMs: 8000 });
    const stuck = rawRequest(port, 'GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    const idle = connect(port, '127.0.0.1');
    const ended = once(idle.resume(), 'end');
    await until(() => proxy.stats().inFlight === 1 && proxy.stats().connections === 2);
    holdTheClock();
    const drained = proxy.drain();
    await vi.advanceTimersByTimeAsync(6950);
    expect(proxy.stats().connections).toBe(2);
    await vi.advanceTimersByTimeAsync(100);
    await ended;
    await vi.advanceTimersByTimeAsync(1000);
    await drained;
    await stuck;
  });

  it('takes as long as the configuration says by now', async () => {
    const instance = await startInstance(() => {});
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], {
      drainMs: 3_600_000,
    });
    const stuck = rawRequest(port, 'GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await until(() => proxy.stats().inFlight === 1);
    proxy.configure(proxyConfig({ drainMs: 400 }), false);
    holdTheClock();
    const drained = proxy.drain();
    await vi.advanceTimersByTimeAsync(400);
    await drained;
    await stuck;
  });

  it('cuts off what does not finish in time', async () => {
    const instance = await startInstance(() => {});
    const { port, proxy, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], {
      drainMs: 400,
    });
    const stuck = rawRequest(port, 'GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await until(() => proxy.stats().inFlight === 1);
    await proxy.drain();
    await stuck;
    expect(observed.map(({ result }) => result)).toEqual(['aborted']);
  });
});

describe('a new set of services', () => {
  it('takes effect for the next request and leaves open ones alone', async () => {
    const old = await startInstance((_, response) => setTimeout(() => response.end('old'), 100));
    const fresh = await startInstance((_, response) => response.end('fresh'));
    const { url, proxy } = await startProxy([{ name: 'pilotnet', ports: [old.port] }]);
    const inFlight = fetch(url, { headers: HEADERS });
    await until(() => proxy.stats().inFlight === 1);
    await proxy.applyServices([serviceOf({ name: 'pilotnet', ports: [fresh.port] })]);
    expect(await (await fetch(url, { headers: HEADERS })).text()).toBe('fresh');
    expect(await (await inFlight).text()).toBe('old');
    await proxy.applyServices([]);
    expect((await fetch(url, { headers: HEADERS })).status).toBe(404);
  });

  it('closes the connections of what began before it', async () => {
    const instance = await startInstance(async (request, response) => response.end(await bodyOf(request)));
    let open = 0;
    instance.server.on('connection', (socket) => {
      open++;
      socket.on('close', () => open--);
    });
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const client = connect(port, '127.0.0.1');
    const answer = textOf(client);
    client.write('POST / HTTP/1.1\r\nHost: pilotnet\r\nContent-Length: 4\r\n\r\nab');
    await until(() => proxy.stats().connections === 1);
    // By its answer, the head of the other has been read.
    await rawRequest(port, 'GET /-/ping HTTP/1.1\r\nHost: x\r\n\r\n', '204');
    await proxy.applyServices([serviceOf({ name: 'pilotnet', ports: [instance.port] })]);
    client.write('cd');
    await until(() => answer().endsWith('abcd') && open === 0);
    client.destroy();
  });

  it('leaves connections on a port that goes until the proxy goes', async () => {
    const instance = await startInstance(() => {});
    const spec = { name: 'pilotnet', ports: [instance.port], listen: { host: '127.0.0.1', port: 0 } };
    const { proxy, portOf } = await startProxy([spec]);
    const client = connect(portOf('pilotnet'), '127.0.0.1');
    client.on('error', () => {});
    client.write('GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await once(instance.server, 'request');
    await proxy.applyServices([]);
    expect(proxy.stats().connections).toBe(1);
    await proxy.close();
    await once(client.resume(), 'close');
    expect(proxy.stats().connections).toBe(0);
  });

  it('opens and closes ports of services', async () => {
    const instance = await startInstance((_, response) => response.end('own port'));
    const { proxy } = await startProxy([]);
    const spec = { name: 'pilotnet', ports: [instance.port], listen: { host: '127.0.0.1', port: 0 } };
    await proxy.applyServices([serviceOf(spec)]);
    const port = proxy.listeners.find(({ name }) => name === 'pilotnet')?.port;
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('own port');
    await proxy.applyServices([]);
    expect(proxy.listeners.map(({ name }) => name)).toEqual(['proxy']);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });
});
