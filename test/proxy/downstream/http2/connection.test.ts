// How connections of HTTP/2 end: no matter what the client does, nothing of it is left.

import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, session } from '../../../support/http2-client.ts';
import { frame as byHand, FLAG, frameClient, GET, hpack, TYPE } from '../../../support/http2-frames.ts';
import { PATIENCE } from '../../../support/patience.ts';
import { startInstance, startProxy, type TestProxy, until } from '../../../support/proxy.ts';
import { startRelay } from '../../../support/tcp-relay.ts';

const HEADERS = { 'x-qedge-service': 'svc' };
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const SETTINGS = frame(4, 0, 0);
/** `GET http://svc/`, in HPACK. */
const HEAD = Buffer.from([0x82, 0x86, 0x84, 0x41, 3, ...Buffer.from('svc')]);

/** RFC 9113 section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]);
}

function tcp(port: number): Socket {
  const socket = connectTcp({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** An instance that begins to answer and goes on for ever; how many requests it got, and how many are under way. */
async function startEndless(): Promise<{ port: number; begun: () => number; underWay: () => number }> {
  let begun = 0;
  let underWay = 0;
  const { port } = await startInstance((request, response) => {
    begun++;
    underWay++;
    response.on('close', () => underWay--);
    request.resume();
    if (request.url !== '/silent') response.write('x'.repeat(300_000));
  });
  return { port, begun: () => begun, underWay: () => underWay };
}

async function expectNothingLeft({ proxy }: TestProxy, underWay: () => number): Promise<void> {
  await expect.poll(() => [proxy.stats().connections, proxy.stats().inFlight, underWay()], PATIENCE).toEqual([0, 0, 0]);
}

describe('of a client of HTTP/2 with several requests under way nothing is left when', () => {
  it.each<[string, (socket: Socket, destroySession: () => void) => unknown]>([
    ['it closes its socket', (socket) => socket.destroy()],
    ['it ends its half of the connection', (socket) => socket.end()],
    ['it resets its socket', (socket) => socket.resetAndDestroy()],
    ['it ends its session', (_socket, destroySession) => destroySession()],
  ])('%s', async (_how, leave) => {
    const { port, begun, underWay } = await startEndless();
    const proxy = await startProxy([{ name: 'svc', ports: [port] }]);
    const socket = tcp(proxy.port);
    const client = connect(proxy.url, { createConnection: () => socket });
    client.on('error', () => {});
    for (const method of ['GET', 'HEAD', 'POST', 'PUT']) {
      for (const path of ['/large', '/silent']) {
        const hasBody = method.startsWith('P');
        const stream = client.request({ ...HEADERS, ':method': method, ':path': path }, { endStream: !hasBody });
        stream.on('error', () => {});
        if (path === '/silent') stream.resume();
        if (hasBody) stream.write(Buffer.alloc(100_000));
      }
    }
    await expect.poll(begun, PATIENCE).toBeGreaterThan(3);
    leave(socket, () => client.destroy());
    await expectNothingLeft(proxy, underWay);
  });
});

describe('a connection of HTTP/2', () => {
  it('that is idle ends, also where it fell idle only behind a request longer than its patience', async () => {
    const instance = await startInstance((_request, response) => setTimeout(() => response.end('late'), 400));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], { keepAliveTimeoutMs: 100 });
    const client = session(proxy.url);
    const closed = once(client, 'close');
    const stream = client.request(HEADERS);
    stream.on('error', () => {});
    // Reset without a word in answer: nothing moves on the connection from here on.
    setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 300);
    await closed;
    await expect.poll(() => proxy.proxy.stats().connections, PATIENCE).toBe(0);
  });

  it('without a request ends, though its client goes on with PING', async () => {
    const instance = await startInstance((_request, response) => response.end('ok'));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], { keepAliveTimeoutMs: 200 });
    const client = frameClient(proxy.port, [byHand(TYPE.headers, FLAG.endStream | FLAG.endHeaders, 1, hpack(GET))]);
    const pings = setInterval(() => client.socket.write(byHand(TYPE.ping, 0, 0, Buffer.alloc(8))), 20);
    onTestFinished(() => clearInterval(pings));
    await once(client.socket, 'close');
    expect(client.seen().some(({ type, streamId }) => type === TYPE.data && streamId === 1)).toBe(true);
    expect(client.seen().some(({ type }) => type === TYPE.goaway)).toBe(true);
  });

  it('ends where its client vanished without a word while its instance had nothing to say', async () => {
    const { port, begun, underWay } = await startEndless();
    const proxy = await startProxy([{ name: 'svc', ports: [port] }], {
      keepAliveTimeoutMs: 200,
      bodyIdleTimeoutMs: 500,
    });
    const relay = await startRelay(proxy.port);
    const client = session(`http://127.0.0.1:${relay.port}`);
    client.request({ ...HEADERS, ':path': '/silent' }).on('error', () => {});
    await expect.poll(begun, PATIENCE).toBe(1);
    relay.freeze();
    await expectNothingLeft(proxy, underWay);
  });

  it('lasts while its client waits for an answer, however long', async () => {
    let answer = (): void => {};
    const instance = await startInstance((_request, response) => {
      answer = () => response.end('late');
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], { keepAliveTimeoutMs: 50 });
    const client = session(proxy.url);
    let pings = 0;
    client.on('ping', () => {
      pings++;
    });
    const late = ask(client, {});
    await expect.poll(() => pings, PATIENCE).toBeGreaterThan(2);
    answer();
    expect((await late).body).toBe('late');
  });

  it('ends where its client does not close its half', async () => {
    const instance = await startInstance((_request, response) => response.end('ok'));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], {
      keepAliveTimeoutMs: 100,
      bodyIdleTimeoutMs: 500,
    });
    const socket = connectTcp({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    socket.resume();
    socket.write(Buffer.concat([PREFACE, SETTINGS, frame(1, 5, 1, HEAD)]));
    await once(socket, 'end');
    await expect.poll(() => proxy.proxy.stats().connections, PATIENCE).toBe(0);
  });

  it('is not held by a stream that was reset without an error in the middle of its answer', async () => {
    const instance = await startInstance((_request, response) => response.end(Buffer.alloc(30_000)));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], { keepAliveTimeoutMs: 1000 });
    const socket = tcp(proxy.port);
    socket.resume();
    // SETTINGS_INITIAL_WINDOW_SIZE: the answer comes to a halt before it is out.
    const narrow = frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 3, 0xe8]));
    socket.write(Buffer.concat([PREFACE, narrow, frame(1, 5, 1, HEAD)]));
    await expect.poll(() => proxy.observed.map(({ result }) => result), PATIENCE).toEqual(['answered']);
    await expect.poll(() => socket.bytesRead, PATIENCE).toBeGreaterThan(1000);
    socket.write(frame(3, 0, 1, Buffer.from([0, 0, 0, constants.NGHTTP2_NO_ERROR])));
    await expect.poll(() => proxy.proxy.stats().connections, PATIENCE).toBe(0);
  });

  it('that drains serves what was sent before its client heard of it, and nothing behind that', async () => {
    const instance = await startInstance((_request, response) => response.end('ok'));
    const { proxy, port } = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const client = frameClient(port, [byHand(TYPE.headers, 5, 1, hpack(GET))]);
    const seen = (type: number): readonly Buffer[] =>
      client.seen().flatMap((one) => (one.type === type ? [one.payload] : []));
    await until(() => seen(TYPE.data).length === 1);
    const stopped = proxy.drain();
    await until(() => seen(TYPE.ping).length === 1);
    client.socket.write(byHand(TYPE.headers, 5, 3, hpack(GET)));
    await until(() => seen(TYPE.data).length === 2);
    client.socket.write(byHand(TYPE.ping, FLAG.ack, 0, seen(TYPE.ping)[0]));
    client.socket.write(byHand(TYPE.headers, 5, 5, hpack(GET)));
    await once(client.socket, 'end');
    expect(seen(TYPE.goaway).map((payload) => payload.readUInt32BE(0))).toEqual([2 ** 31 - 1, 3]);
    expect(seen(TYPE.data)).toHaveLength(2);
    await stopped;
  });

  it('may begin with a request that is reset at once', async () => {
    const instance = await startInstance((_request, response) => response.end('ok'));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const reset = frame(3, 0, 1, Buffer.from([0, 0, 0, constants.NGHTTP2_INTERNAL_ERROR]));
    const goaway = frame(7, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, constants.NGHTTP2_INTERNAL_ERROR]));
    for (const last of [reset, Buffer.concat([reset, goaway]), goaway]) {
      const socket = tcp(proxy.port);
      socket.resume();
      socket.write(Buffer.concat([PREFACE, SETTINGS, frame(1, 5, 1, HEAD), last]));
      await expect.poll(() => socket.bytesRead, PATIENCE).toBeGreaterThan(0);
      socket.destroy();
    }
    await expect.poll(() => [proxy.proxy.stats().connections, proxy.proxy.stats().inFlight], PATIENCE).toEqual([0, 0]);
    expect((await ask(session(proxy.url), {})).body).toBe('ok');
  });
});

describe('closing the proxy', () => {
  it('waits until every exchange of HTTP/2 has ended', async () => {
    const { port, begun } = await startEndless();
    const proxy = await startProxy([{ name: 'svc', ports: [port] }]);
    const client = connect(proxy.url);
    client.on('error', () => {});
    for (let i = 0; i < 60; i++) client.request({ ...HEADERS, ':path': '/silent' }).on('error', () => {});
    await until(() => begun() === 60);
    await proxy.proxy.close();
    expect(proxy.proxy.stats().inFlight).toBe(0);
  });
});
