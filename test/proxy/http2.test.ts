import { createServer as createHttp1Server } from 'node:http';
import { connect, constants, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { connect as connectTcp, type Server as NetServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, session } from '../support/http2-client.ts';
import { listening } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';
import { startInstance, startProxy } from '../support/proxy.ts';
import { startRelay } from '../support/tcp-relay.ts';

/** An instance that speaks HTTP/2 alone, in cleartext. */
async function startHttp2Instance(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
): Promise<{ port: number; sessions: () => number }> {
  let sessions = 0;
  const server = createServer();
  server.on('session', (one) => {
    sessions++;
    onTestFinished(() => one.destroy());
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  onTestFinished(() => void server.close());
  return { port: await listening(server as unknown as NetServer), sessions: () => sessions };
}

describe('a client that speaks HTTP/2 in cleartext', () => {
  it('cannot keep one answer standing by taking others', async () => {
    const instance = await startInstance((request, response) => {
      response.end(request.url === '/large' ? Buffer.alloc(8 * 1024 * 1024) : 'ok');
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], { bodyIdleTimeoutMs: 250 });
    const client = session(proxy.url);
    const stalled = client.request({ ':path': '/large', 'x-qedge-service': 'svc' });
    const closed = new Promise<number>((resolve) => stalled.on('close', () => resolve(stalled.rstCode)));
    stalled.on('error', () => {});
    stalled.pause();
    let over = false;
    void closed.then(() => {
      over = true;
    });
    while (!over) expect((await ask(client, {})).status).toBe(200);
    expect(await closed).toBe(constants.NGHTTP2_CANCEL);
    await expect.poll(() => proxy.proxy.stats().inFlight, PATIENCE).toBe(0);
  });

  it('is served on the port of HTTP/1, by instances of HTTP/1', async () => {
    const seen: unknown[] = [];
    const instance = await startInstance((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        seen.push([request.method, request.url, request.headers.host, request.headers.via, body]);
        response.writeHead(201, [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
        ] as unknown as string[]);
        response.end('thanks');
      });
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const client = session(proxy.url);
    const answer = await ask(client, { ':method': 'POST', ':path': '/a?b', ':authority': 'pilotnet.local' }, [
      'one',
      'two',
    ]);
    expect(answer.status).toBe(201);
    expect(answer.body).toBe('thanks');
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers['x-qedge-instance']).toBe('n1/a');
    expect(seen).toEqual([['POST', '/a?b', 'pilotnet.local', '2 qedge-n0', 'onetwo']]);
    expect(proxy.observed.map(({ result }) => result)).toEqual(['answered']);
  });

  it('may have many requests under way on one connection', async () => {
    const instance = await startInstance((request, response) => {
      setTimeout(() => response.end(request.url), 20);
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const client = session(proxy.url);
    const paths = Array.from({ length: 100 }, (_, i) => `/${i}`);
    const answers = await Promise.all(paths.map((path) => ask(client, { ':path': path })));
    expect(answers.map(({ body }) => body)).toEqual(paths);
  });

  it('gets the errors of the proxy itself, and the connection lives on', async () => {
    const instance = await startInstance((_request, response) => response.end('ok'));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const client = session(proxy.url);
    const unknown = await ask(client, { 'x-qedge-service': 'absent' });
    expect([unknown.status, unknown.headers['x-qedge-error']]).toEqual([404, 'unknown-service']);
    expect(unknown.headers['content-type']).toBe('application/problem+json');
    expect((await ask(client, {})).status).toBe(200);
  });

  it('that resets its stream aborts the upstream request', async () => {
    const closed = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const instance = await startInstance((request) => {
      begun.resolve();
      request.on('close', () => closed.resolve());
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const stream = session(proxy.url).request({ 'x-qedge-service': 'svc' });
    stream.on('error', () => {});
    await begun.promise;
    stream.close(constants.NGHTTP2_CANCEL);
    await closed.promise;
    await expect.poll(() => proxy.observed.map(({ result }) => result)).toEqual(['aborted']);
  });

  it('sees an answer that is cut off as an error, never as a whole one', async () => {
    const instance = await startInstance((_request, response) => {
      response.write('half');
      setTimeout(() => response.socket?.resetAndDestroy(), 20);
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const stream = session(proxy.url).request({ 'x-qedge-service': 'svc' });
    const code = await new Promise((resolve) => {
      stream.resume();
      stream.on('error', () => {});
      stream.on('close', () => resolve(stream.rstCode));
    });
    expect(code).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  });

  it('may dribble its preface', async () => {
    const instance = await startInstance((_request, response) => response.end('ok'));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const socket = connectTcp({ host: '127.0.0.1', port: proxy.port, noDelay: true });
    const client = connect(proxy.url, {
      createConnection: () => {
        const { write } = socket;
        let first = true;
        // The preface is the first thing written; its first two bytes go ahead of the rest.
        socket.write = ((chunk: Uint8Array | string, ...rest: unknown[]) => {
          if (first) {
            first = false;
            const bytes = Buffer.from(chunk as string, 'latin1');
            write.call(socket, bytes.subarray(0, 2));
            return write.call(socket, bytes.subarray(2));
          }
          return (write as (...args: unknown[]) => boolean).call(socket, chunk, ...rest);
        }) as typeof socket.write;
        return socket;
      },
    });
    onTestFinished(() => client.destroy());
    expect((await ask(client, {})).body).toBe('ok');
  });
});

describe('an instance that speaks HTTP/2', () => {
  it('serves clients of HTTP/1 and of HTTP/2, over one connection', async () => {
    const instance = await startHttp2Instance((stream, headers) => {
      let body = '';
      stream.on('data', (chunk) => {
        body += chunk;
      });
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'x-path': String(headers[':path']), 'x-host': String(headers[':authority']) });
        stream.end(`got ${body}`);
      });
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port], scheme: 'h2c' }]);
    const plain = await fetch(`${proxy.url}/one`, {
      method: 'POST',
      body: 'abc',
      headers: { 'x-qedge-service': 'svc' },
    });
    expect([plain.status, await plain.text(), plain.headers.get('x-path')]).toEqual([200, 'got abc', '/one']);
    const answer = await ask(session(proxy.url), { ':method': 'POST', ':path': '/two', ':authority': 'h' }, ['def']);
    expect([answer.body, answer.headers['x-path'], answer.headers['x-host']]).toEqual(['got def', '/two', 'h']);
    const many = await Promise.all(Array.from({ length: 50 }, () => ask(session(proxy.url), { ':path': '/' })));
    expect(many.every(({ status }) => status === 200)).toBe(true);
    expect(instance.sessions()).toBe(1);
  });

  it('passes trailers both ways', async () => {
    const instance = await startHttp2Instance((stream) => {
      let sent: IncomingHttpHeaders = {};
      stream.on('trailers', (trailers) => {
        sent = trailers;
      });
      stream.resume();
      stream.on('end', () => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-echo': String(sent['x-sum']) }));
        stream.end('body');
      });
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port], scheme: 'h2c' }]);
    const stream = session(proxy.url).request(
      { ':method': 'POST', 'x-qedge-service': 'svc', te: 'trailers', trailer: 'x-sum' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
    const trailers = new Promise((resolve) => stream.on('trailers', resolve));
    stream.resume();
    stream.end('data');
    expect(await trailers).toMatchObject({ 'x-echo': '42' });
  });

  it('that refuses the stream is left for another, with any method', async () => {
    const refusing = await startHttp2Instance((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    const good = await startHttp2Instance((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('good');
    });
    const proxy = await startProxy([{ name: 'svc', ports: [refusing.port, good.port], scheme: 'h2c' }]);
    const client = session(proxy.url);
    for (let i = 0; i < 4; i++) {
      expect((await ask(client, { ':method': 'POST' }, ['x'])).body).toBe('good');
    }
  });

  it('that dies mid-answer cuts the client off', async () => {
    const instance = await startHttp2Instance((stream) => {
      stream.respond({ ':status': 200 });
      stream.write('half');
      setTimeout(() => stream.session?.destroy(), 20);
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port], scheme: 'h2c' }]);
    const answer = await fetch(proxy.url, { headers: { 'x-qedge-service': 'svc' } });
    await expect(answer.text()).rejects.toThrow();
    expect(proxy.observed.map(({ result }) => result)).toEqual(['failed']);
  });

  it('that vanished without a word costs the requests that were under way, and no others', async () => {
    const instance = await startHttp2Instance((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    const relay = await startRelay(instance.port);
    const proxy = await startProxy([{ name: 'svc', ports: [relay.port], scheme: 'h2c' }]);
    const client = session(proxy.url);
    expect((await ask(client, {})).status).toBe(200);
    relay.freeze();
    expect((await ask(client, { 'x-qedge-deadline-ms': '100' })).status).toBe(504);
    expect((await ask(client, {})).status).toBe(200);
    await expect.poll(() => proxy.proxy.stats().services[0]?.upstreamConnections, PATIENCE).toBe(1);
    expect(instance.sessions()).toBe(2);
  });

  it('that is slow keeps its connection', async () => {
    const instance = await startHttp2Instance((stream, headers) => {
      if (headers[':path'] === '/never') return;
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port], scheme: 'h2c' }]);
    const client = session(proxy.url);
    for (let i = 0; i < 3; i++) {
      expect((await ask(client, { ':path': '/never', 'x-qedge-deadline-ms': '50' })).status).toBe(504);
      await expect.poll(async () => (await ask(client, {})).status, PATIENCE).toBe(200);
    }
    await expect.poll(() => proxy.proxy.stats().services[0]?.upstreamConnections, PATIENCE).toBeLessThan(5);
  });

  it('that resets its stream without an error mid-answer cuts the client off', async () => {
    const raw: Socket[] = [];
    const instance = await startHttp2Instance((stream) => {
      stream.respond({ ':status': 200, 'content-length': '9' });
      stream.write('half');
      // RST_STREAM with NO_ERROR, as node:http2 would only send it behind a whole answer.
      setTimeout(() => raw[0]?.write(Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, stream.id ?? 0, 0, 0, 0, 0])), 50);
    });
    const relay = await startRelay(instance.port, (socket) => raw.push(socket));
    const proxy = await startProxy([{ name: 'svc', ports: [relay.port], scheme: 'h2c' }]);
    const answer = await fetch(proxy.url, { headers: { 'x-qedge-service': 'svc' } });
    await expect(answer.text()).rejects.toThrow();
    expect(proxy.observed.map(({ result }) => result)).toEqual(['failed']);
  });

  it('that does not is a 502 that says so', async () => {
    const http1 = createHttp1Server((_request, response) => response.end('no'));
    onTestFinished(() => void http1.close());
    const port = await listening(http1);
    const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'h2c' }]);
    const answer = await fetch(proxy.url, { headers: { 'x-qedge-service': 'svc' } });
    expect(answer.status).toBe(502);
    await answer.body?.cancel();
  });

  it('takes a large body with back-pressure', async () => {
    const total = 64 * 1024 * 1024;
    const instance = await startHttp2Instance((stream) => {
      let bytes = 0;
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      stream.on('end', () => {
        stream.respond({ ':status': 200 });
        stream.end(String(bytes));
      });
    });
    const proxy = await startProxy([
      {
        name: 'svc',
        ports: [instance.port],
        scheme: 'h2c',
        qos: { latencyMs: 60_000, successRatio: 0.9, windowMs: 10_000 },
      },
    ]);
    const answer = await fetch(proxy.url, {
      method: 'POST',
      body: Buffer.alloc(total),
      headers: { 'x-qedge-service': 'svc' },
    });
    expect(await answer.text()).toBe(String(total));
  });
});
