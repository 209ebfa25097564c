// What HTTP/2 says differently, or not at all, between a client that speaks it and an instance that does not.

import { connect, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, session } from '../../../support/http2-client.ts';
import { PATIENCE } from '../../../support/patience.ts';
import { startInstance, startProxy, startRawInstance, type TestProxy } from '../../../support/proxy.ts';

interface Behind extends TestProxy {
  /** Everything the instance was sent, as Latin-1. */
  readonly seen: () => string;
}

/** RFC 9113 section 6.4. */
const RST_STREAM = 3;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function behindBytes(answer: string): Promise<Behind> {
  let seen = '';
  const instance = await startRawInstance((socket) =>
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      socket.write(answer, 'latin1');
    }),
  );
  return { ...(await startProxy([{ name: 'svc', ports: [instance] }])), seen: () => seen };
}

describe('a client that speaks HTTP/2', () => {
  it('gets every field that an instance of HTTP/1 repeats', async () => {
    const { url } = await behindBytes(OK.replace('\r\n\r\n', '\r\nETag: "a"\r\nETag: "b"\r\n\r\n'));
    const { raw, body } = await ask(session(url), {});
    expect(raw.join()).toContain('etag,"a",etag,"b"');
    expect(body).toBe('ok');
  });

  it('gets its trailers, repeated or not, but none that belong to a head', async () => {
    const trailers = 'X-Sum: 1\r\nETag: a\r\nETag: b\r\nContent-Length: 7\r\nConnection: close\r\n';
    const { url } = await behindBytes(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`,
    );
    expect((await ask(session(url), {})).trailers).toEqual(['x-sum', '1', 'etag', 'a', 'etag', 'b']);
  });

  it('gets what the instance says before its answer, less what is meant for one hop', async () => {
    const { url } = await behindBytes(
      `HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload, odd\r\nConnection: X-Mine\r\nX-Mine: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}`,
    );
    const { information, status } = await ask(session(url), {});
    expect(information).toEqual([
      [':status', '103', 'link', '</a>; rel=preload, odd'],
      [':status', '102'],
    ]);
    expect(status).toBe(200);
  });

  it('gets a head as large as a client of HTTP/1 would', async () => {
    const fields = Array.from({ length: 40 }, (_, index) => `X-${index}: ${'y'.repeat(1500)}\r\n`).join('');
    const { url } = await behindBytes(OK.replace('\r\n\r\n', `\r\n${fields}\r\n`));
    expect((await ask(session(url), {})).headers['x-39']).toHaveLength(1500);
  });

  it('gets an error to HEAD without the body that it would have to GET', async () => {
    const { url } = await startProxy([]);
    const { status, headers, body } = await ask(session(url), { ':method': 'HEAD' });
    expect(status).toBe(404);
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
    expect(body).toBe('');
  });

  it('is cut off from an answer with a status that HTTP/2 does not have', async () => {
    const { url, proxy } = await behindBytes(OK.replace('200', '600'));
    await expect(ask(session(url), {})).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
    expect(proxy.stats().inFlight).toBe(0);
  });

  it('is known to the instance by its address and without TLS', async () => {
    const { url, seen } = await behindBytes(OK);
    await ask(session(url), { ':authority': 'pilotnet.local', 'x-latin': 'caf\u00e9' });
    expect(seen()).toContain('X-Forwarded-Proto: http\r\n');
    expect(seen()).toContain('Forwarded: for=127.0.0.1;proto=http;host=pilotnet.local\r\n');
    expect(seen()).toContain('x-latin: caf\xe9\r\n');
  });

  it('is asked to stop sending what is too much', async () => {
    const instance = await startRawInstance(() => {});
    const { url, proxy } = await startProxy([{ name: 'svc', ports: [instance] }], { bodyBytesMax: 100_000 });
    const stream = session(url).request({ ':method': 'POST', 'x-qedge-service': 'svc' });
    const answer = new Promise((resolve) => stream.on('response', (fields) => resolve(fields[':status'])));
    stream.on('error', () => {});
    const send = (): void => {
      if (!stream.destroyed) stream.write(Buffer.alloc(50_000), () => setImmediate(send));
    };
    send();
    stream.resume();
    expect(await answer).toBe(413);
    await expect.poll(() => stream.closed, PATIENCE).toBe(true);
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    await expect.poll(() => proxy.stats().inFlight, PATIENCE).toBe(0);
  });

  it.each([{}, { 'content-length': '10' }, { 'content-length': '1000000' }])(
    'that sends too slowly, with %j, is cut off with 408, and no instance is charged',
    async (headers) => {
      const instance = await startRawInstance((socket) => socket.resume());
      const { url, observed, accounts } = await startProxy([{ name: 'svc', ports: [instance] }], {
        bodyIdleTimeoutMs: 100,
      });
      const stream = session(url).request({ ':method': 'POST', 'x-qedge-service': 'svc', ...headers });
      stream.on('error', () => {});
      const status = new Promise((resolve) => stream.on('response', (fields) => resolve(fields[':status'])));
      stream.write('hell');
      expect(await status).toBe(408);
      expect(observed.filter(({ result }) => result !== 'aborted')).toEqual([]);
      expect(accounts).toEqual([]);
    },
  );

  it('that reads too slowly is cut off, and the instance is not charged', async () => {
    const instance = await startInstance((_, response) => response.end(Buffer.alloc(30_000_000)));
    const { url, observed, accounts } = await startProxy([{ name: 'svc', ports: [instance.port] }], {
      bodyIdleTimeoutMs: 100,
    });
    const stream = session(url).request({ 'x-qedge-service': 'svc' });
    stream.on('error', () => {});
    stream.pause();
    await expect.poll(() => observed.map(({ result }) => result), PATIENCE).toEqual(['aborted']);
    expect(accounts).toEqual([]);
  });

  it('may leave while its answer comes', async () => {
    const { url, proxy } = await behindBytes(OK);
    const client = session(url);
    for (let i = 0; i < 200; i++) {
      const stream = client.request({ 'x-qedge-service': 'svc' });
      stream.on('error', () => {});
      setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), i % 4);
      if (i % 20 === 19) await ask(client, {});
    }
    await expect.poll(() => proxy.stats().inFlight, PATIENCE).toBe(0);
    expect((await ask(client, {})).body).toBe('ok');
  });
});

describe('a client of HTTP/2 that leaves while it sends', () => {
  it.each([
    ['CANCEL', constants.NGHTTP2_CANCEL],
    ['NO_ERROR', constants.NGHTTP2_NO_ERROR],
  ])('with the code %s leaves nothing behind', async (_, code) => {
    const instance = await startRawInstance((socket) => socket.pause());
    const { url, port, proxy, observed } = await startProxy([{ name: 'svc', ports: [instance], timeoutMs: 600_000 }]);
    const socket = connectTcp(port, '127.0.0.1');
    const client = connect(url, { createConnection: () => socket });
    onTestFinished(() => client.destroy());
    const stream = client.request({ ':method': 'POST', 'x-qedge-service': 'svc' });
    stream.on('error', () => {});
    stream.write(Buffer.alloc(10_000_000));
    await expect.poll(() => proxy.stats().services[0]?.upstreamConnections, PATIENCE).toBe(1);
    // A frame of its own making, since node:http2 has no way to say NO_ERROR in the middle of a body.
    socket.write(Buffer.from([0, 0, 4, RST_STREAM, 0, 0, 0, 0, stream.id ?? 0, 0, 0, 0, code]));
    await expect.poll(() => proxy.stats().inFlight, PATIENCE).toBe(0);
    await expect.poll(() => proxy.stats().services[0]?.upstreamConnections, PATIENCE).toBe(0);
    expect(observed.map(({ result }) => result)).toEqual(['aborted']);
  });
});

describe('a smuggling attempt over HTTP/2', () => {
  it.each([
    [{ ':method': 'GET / HTTP/1.1\r\nHost: svc\r\n\r\nGET' }],
    [{ ':path': '/ HTTP/1.1\r\nX-Evil: 1' }],
    [{ ':path': '/a b' }],
    [{ ':authority': 'svc\r\nX-Evil: 1' }],
    [{ 'content-length': '5' }],
    [{ 'content-length': ['0', '1'] }],
  ])('by %j is reset, and reaches no instance', async (headers) => {
    const { url, seen } = await behindBytes(OK);
    await expect(ask(session(url), headers)).rejects.toThrow();
    expect(seen()).toBe('');
  });

  it('by a Host beside another authority is answered 400, and reaches no instance', async () => {
    const { url, seen } = await behindBytes(OK);
    const { status } = await ask(session(url), { ':authority': 'svc', host: 'other' });
    expect(status).toBe(400);
    expect(seen()).toBe('');
    expect((await ask(session(url), { ':authority': 'svc', host: 'svc' })).status).toBe(200);
  });

  it('by a line break in a value reaches no instance', async () => {
    const { url, seen } = await behindBytes(OK);
    await ask(session(url), { 'x-a': 'b\r\nX-Evil: 1' }).catch(() => {});
    expect(seen()).not.toContain('X-Evil');
  });
});
