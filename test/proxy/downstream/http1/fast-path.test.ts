import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { spendTurn } from '../../../../src/net/loop-share.ts';
import { sliceReads } from '../../../../src/net/sliced-reads.ts';
import type { ClientConnection } from '../../../../src/proxy/downstream/client-connection.ts';
import type { Dispatch } from '../../../../src/proxy/downstream/dispatch.ts';
import { FastPath } from '../../../../src/proxy/downstream/http1/fast-path.ts';
import { sniff } from '../../../../src/proxy/downstream/sniff.ts';
import { listening } from '../../../support/listening.ts';
import { PATIENCE } from '../../../support/patience.ts';
import { bodyOf, rawRequest, startInstance, startProxy, startRawInstance } from '../../../support/proxy.ts';
import { countTurns } from '../../../support/turns.ts';

const HOST = 'Host: pilotnet\r\n';
const CLOSE = 'Connection: close\r\n';

/** An instance that says what it got: method, target, body. */
async function startEcho(): Promise<{ readonly port: number; readonly seen: string[] }> {
  const seen: string[] = [];
  const { port } = await startInstance(async (request, response) => {
    const body = (await bodyOf(request)).toString('latin1');
    seen.push(`${request.method} ${request.url} ${body}`);
    response.end(`<${request.url}:${body}>`);
  });
  return { port, seen };
}

/** The bodies of answers that echo, in their order. */
function echoes(text: string): string[] {
  return [...text.matchAll(/<([^>]*)>/g)].map((match) => match[1] ?? '');
}

describe('requests on one connection', () => {
  it('are answered in their order when they are sent ahead', async () => {
    const { port: instance } = await startEcho();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const get = (target: string, last = ''): string => `GET ${target} HTTP/1.1\r\n${HOST}${last}\r\n`;
    const post = `POST /b HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`;
    const answer = await rawRequest(port, get('/a') + post + get('/c') + get('/d', CLOSE));
    expect(echoes(answer.text)).toEqual(['/a:', '/b:body', '/c:', '/d:']);
    expect(answer.ending).toBe('end');
  });

  it.each(['GET', 'PROPFIND'])(
    'leave turns to others though they are many and their answers are there at once: %s',
    async (method) => {
      const { port } = await startProxy([{ name: 'pilotnet', ports: [] }]);
      const ask = (last: string): string => `${method} / HTTP/1.1\r\nHost: absent\r\n${last}\r\n`;
      const many = rawRequest(port, ask('').repeat(999) + ask(CLOSE));
      const turns = countTurns();
      const { text } = await many;
      const counted = turns();
      expect(text.match(/X-QEdge-Error: unknown-service/g)).toHaveLength(1000);
      // Some ten in each.
      expect(counted).toBeGreaterThan(50);
    },
  );

  it('need not all be plain', async () => {
    const { port: instance, seen } = await startEcho();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const requests = [
      `GET /plain HTTP/1.1\r\n${HOST}\r\n`,
      `POST /length HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
      `POST /chunked HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      `GET /after HTTP/1.1\r\n${HOST}\r\n`,
      `PROPFIND /odd HTTP/1.1\r\n${HOST}${CLOSE}\r\n`,
    ];
    const answer = await rawRequest(port, requests.join(''));
    expect(echoes(answer.text)).toEqual(['/plain:', '/length:abc', '/chunked:abc', '/after:', '/odd:']);
    expect(seen).toHaveLength(5);
  });

  it('lose nothing when more came than is kept, and node:http has to take over', async () => {
    const bodies: string[] = [];
    const http = createHttpServer(async (request, response) => {
      for await (const chunk of request) {
        bodies.push((chunk as Buffer).toString('latin1'));
        // Gone on with, and held up again at once: the socket reads on all the same.
        request.socket.pause();
        await new Promise((resolve) => setImmediate(resolve));
        request.socket.resume();
        request.socket.pause();
        for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
        request.socket.resume();
      }
      response.end('<all>');
    });
    const takeOver = (socket: Socket, rest: readonly Buffer[]): void => {
      http.emit('connection', socket);
      sliceReads(socket, rest);
    };
    let answer = (): void => {};
    let taken: Socket | null = null;
    const server = createServer((socket) => {
      taken = socket;
      const dispatch: Dispatch = ({ response }) => {
        answer = () => {
          response.writeHead(200, ['Content-Length', '0']);
          response.end();
        };
      };
      const options = { connection: {} as ClientConnection, headBytesMax: () => 1000, onQuiet: () => {} };
      const path = { ...options, socket, dispatch, handOver: (rest: readonly Buffer[]) => takeOver(socket, rest) };
      socket.once('data', (first) => new FastPath(path, first));
    });
    onTestFinished(() => void server.close());
    const client = connect({ host: '127.0.0.1', port: await listening(server) });
    const lines = Array.from({ length: 200_000 }, (_, index) => `${String(index).padStart(9, '0')}\n`).join('');
    const head = `PROPFIND / HTTP/1.1\r\n${HOST}Content-Length: ${lines.length}\r\n${CLOSE}\r\n`;
    const ahead = `GET / HTTP/1.1\r\n${HOST}\r\n${head}${lines.slice(0, 150_000)}`;
    client.write(ahead);
    await expect.poll(() => taken?.isPaused(), PATIENCE).toBe(true);
    answer();
    client.write(lines.slice(150_000));
    await once(client.resume(), 'end');
    expect(bodies.join('') === lines).toBe(true);
  });

  it('mean the same however they are cut', async () => {
    const { port: instance } = await startEcho();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const text =
      `POST /a HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\n0123456789` +
      `GET /b HTTP/1.1\r\n${HOST}\r\n` +
      `POST /c HTTP/1.1\r\n${HOST}Content-Length: 3\r\n${CLOSE}\r\nabc`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 5 }), async (at) => {
        const bounds = [0, ...at.toSorted((a, b) => a - b), text.length];
        const pieces = bounds.slice(1).map((bound, index) => text.slice(bounds[index], bound));
        expect(echoes(await inPieces(port, pieces))).toEqual(['/a:0123456789', '/b:', '/c:abc']);
      }),
      { numRuns: 40 },
    );
  });

  it('come through after one whose body was not wanted', async () => {
    const { port: instance, seen } = await startEcho();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const refused = `POST / HTTP/1.1\r\nHost: absent\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`;
    const answer = await rawRequest(port, `${refused}GET /next HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
    expect(answer.status).toBe(404);
    expect(answer.head).toMatch(/connection: keep-alive/i);
    expect(echoes(answer.text)).toEqual(['/next:']);
    expect(seen).toHaveLength(1);
  });
});

describe('requests that are answered at once', () => {
  it('may come by the thousand behind one that is not', async () => {
    let answer = (): void => {};
    const { port: instance } = await startInstance((_, response) => {
      answer = () => response.end('first');
    });
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const pings = 'GET /-/ping HTTP/1.1\r\nA:\r\n\r\n'.repeat(20_000);
    const answers = rawRequest(port, `GET / HTTP/1.1\r\n${HOST}\r\n${pings}GET /-/ping HTTP/1.1\r\n${CLOSE}\r\n`);
    await expect.poll(() => proxy.stats().inFlight, PATIENCE).toBe(1);
    answer();
    const { text, ending } = await answers;
    expect(text.split('HTTP/1.1 204 No Content')).toHaveLength(20_002);
    expect(ending).toBe('end');
  });

  it('wait for their client to read the answers', async () => {
    const body = Buffer.alloc(100_000);
    let unread = 0;
    const server = createServer((socket) => {
      const answer: Dispatch = ({ response }) => {
        response.writeHead(200, ['Content-Length', String(body.length)]);
        response.end(body);
        unread = Math.max(unread, socket.writableLength);
      };
      const options = { connection: {} as ClientConnection, headBytesMax: () => 1000, onQuiet: () => {} };
      const path = { ...options, socket, dispatch: answer, handOver: () => socket.destroy() };
      socket.once('data', (first) => new FastPath(path, first));
    });
    onTestFinished(() => void server.close());
    const client = connect({ host: '127.0.0.1', port: await listening(server) });
    client.pause();
    client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(400));
    await expect.poll(() => unread, PATIENCE).toBeGreaterThan(0);
    let bytes = 0;
    client.on('data', (chunk) => {
      bytes += chunk.length;
    });
    client.resume();
    await expect.poll(() => bytes, PATIENCE).toBeGreaterThan(400 * body.length);
    client.destroy();
    expect(unread).toBeLessThan(4 * body.length);
  });
});

describe('an answer that ends the connection', () => {
  it('reaches a client that is still sending', async () => {
    const { port: instance } = await startEcho();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }], { bodyBytesMax: 1000 });
    const answer = await rawRequest(
      port,
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3000000\r\n\r\n${'x'.repeat(3_000_000)}`,
    );
    expect(answer.status).toBe(413);
    expect(answer.body).toContain('body-too-large');
    expect(answer.ending).toBe('end');
  });

  it('reaches a client that has sent requests ahead', async () => {
    const { port: instance } = await startInstance((_, response) => setTimeout(() => response.end('last'), 200));
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const ahead = `GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(200_000);
    const answer = await rawRequest(port, `GET / HTTP/1.1\r\n${HOST}${CLOSE}\r\n${ahead}`);
    expect(answer.body).toBe('last');
    expect(answer.ending).toBe('end');
  });
});

describe('an answer', () => {
  it('of unknown length comes in chunks, with its trailers', async () => {
    const instance = await startRawInstance((socket) => {
      socket.once('data', () =>
        socket.write(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n',
        ),
      );
    });
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const answer = await rawRequest(port, `GET / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
    expect(answer.head).toMatch(/transfer-encoding: chunked/i);
    expect(answer.body).toBe('2\r\nok\r\n0\r\nX-T: 1\r\n\r\n');
  });

  it('without a length to HEAD has no body', async () => {
    const instance = await startRawInstance((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n'));
    });
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const answer = await rawRequest(port, `HEAD / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
    expect(answer.status).toBe(200);
    expect(answer.body).toBe('');
  });

  it('keeps every byte of its fields and body', async () => {
    const body = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
    const instance = await startRawInstance((socket) => {
      socket.once('data', (chunk) => {
        const odd = /x-odd: (.*)\r\n/.exec(chunk.toString('latin1'))?.[1] ?? '';
        socket.write(`HTTP/1.1 200 Caf\xe9\r\nX-Odd: ${odd}\xff\r\nContent-Length: 256\r\n\r\n${body}`, 'latin1');
      });
    });
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const answer = await rawRequest(port, `GET / HTTP/1.1\r\n${HOST}x-odd: \xe9\xa0\r\n${CLOSE}\r\n`);
    expect(answer.head).toContain('HTTP/1.1 200 Caf\xe9\r\n');
    expect(answer.head).toContain('X-Odd: \xe9\xa0\xff\r\n');
    expect(answer.body).toBe(body);
  });

  it('of our own has the length it says, with any text that it repeats', async () => {
    const { port } = await startProxy([{ name: 'pilotnet', ports: [] }]);
    const answer = await rawRequest(
      port,
      `GET / HTTP/1.1\r\nHost: a\r\nX-QEdge-Service: caf\xe9\r\nX-Request-Id: \xe9\r\n${CLOSE}\r\n`,
    );
    expect(answer.status).toBe(404);
    expect(answer.head).toContain('X-Request-Id: \xe9');
    expect(Number(/content-length: (\d+)/i.exec(answer.head)?.[1])).toBe(answer.body.length);
    expect(JSON.parse(Buffer.from(answer.body, 'latin1').toString()).detail).toContain('café');
  });

  it('is heralded by what the instance says before it', async () => {
    const instance = await startRawInstance((socket) => {
      socket.once('data', () =>
        socket.write(
          'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
        ),
      );
    });
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const answer = await rawRequest(port, `GET / HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
    expect(answer.text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\nlink: <\/b>\r\n\r\n/i);
    expect(answer.text).toMatch(/HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });
});

describe('a connection', () => {
  it('that its client leaves takes its request with it', async () => {
    const upstream: Socket[] = [];
    const instance = await startRawInstance((socket) => {
      upstream.push(socket);
      socket.resume();
    });
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const client = connect({ host: '127.0.0.1', port });
    client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await expect.poll(() => upstream.length, PATIENCE).toBe(1);
    client.destroy();
    await expect.poll(() => proxy.stats().inFlight, PATIENCE).toBe(0);
    await expect.poll(() => upstream[0]?.readableEnded, PATIENCE).toBe(true);
    await expect.poll(() => proxy.stats().connections, PATIENCE).toBe(0);
  });

  it('that its client leaves is noticed although a body had to wait on it', async () => {
    const upstream: Socket[] = [];
    const instance = await startRawInstance((socket) => {
      upstream.push(socket);
      socket.on('data', (chunk) => {
        if (chunk.includes('GET /first')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst');
      });
    });
    const spec = { name: 'pilotnet', ports: [instance], timeoutMs: 600_000, retry: { bodyBytesMax: 10 } };
    const { port, proxy } = await startProxy([spec]);
    const client = connect({ host: '127.0.0.1', port });
    let text = '';
    client.on('data', (chunk) => {
      text += chunk;
    });
    client.write(`GET /first HTTP/1.1\r\n${HOST}\r\n`);
    await expect.poll(() => text, PATIENCE).toContain('first');
    client.write(`POST /second HTTP/1.1\r\n${HOST}Content-Length: 20\r\n\r\n${'x'.repeat(20)}`);
    await expect.poll(() => upstream.length, PATIENCE).toBe(2);
    client.write(`GET /third HTTP/1.1\r\n${HOST}\r\n`);
    client.destroySoon();
    await expect.poll(() => proxy.stats().inFlight, PATIENCE).toBe(0);
  });

  it('that is reset before its first byte disturbs no other client', async () => {
    const { port, proxy, url } = await startProxy([]);
    const client = connect({ host: '127.0.0.1', port });
    await expect.poll(() => proxy.stats().connections, PATIENCE).toBe(1);
    client.resetAndDestroy();
    await expect.poll(() => proxy.stats().connections, PATIENCE).toBe(0);
    expect((await fetch(`${url}/-/ping`)).status).toBe(204);
  });

  it('is closed when it stays idle after an answer', async () => {
    const { port: instance } = await startEcho();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }], { keepAliveTimeoutMs: 50 });
    const answer = await rawRequest(port, `GET /a HTTP/1.1\r\n${HOST}\r\n`);
    expect(echoes(answer.text)).toEqual(['/a:']);
    expect(answer.ending).toBe('end');
  });
});

/** Sends one piece after another, each once the one before it is out, and reads to the end. */
function inPieces(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => {
      const sendFrom = (index: number): void => {
        const piece = pieces[index];
        if (piece !== undefined) socket.write(piece, 'latin1', () => setImmediate(sendFrom, index + 1));
      };
      sendFrom(0);
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

describe('first requests that come at the same moment', () => {
  /** Short ways in on `count` connections, whose first bytes are all there. */
  async function takeAll(count: number, { first, dispatch }: { first: string; dispatch: Dispatch }) {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    onTestFinished(() => void server.close());
    const port = await listening(server);
    const clients = Array.from({ length: count }, () => connect({ host: '127.0.0.1', port }));
    onTestFinished(() => clients.forEach((client) => void client.destroy()));
    for (const client of clients) client.write(first);
    await expect.poll(() => sockets.length, PATIENCE).toBe(count);
    let handedOver = 0;
    const found = (socket: Socket, bytes: Buffer): void => {
      const handOver = (): void => {
        handedOver++;
        const endMs = performance.now() + 3;
        while (performance.now() < endMs);
      };
      const options = { connection: {} as ClientConnection, headBytesMax: () => 1000, onQuiet: () => {} };
      new FastPath({ ...options, socket, dispatch, handOver }, bytes);
    };
    return { sockets, found, handedOver: () => handedOver };
  }

  it('are handed to node:http a few in a turn', async () => {
    const { sockets, found, handedOver } = await takeAll(10, { first: '', dispatch: () => {} });
    await turn();
    for (const socket of sockets) found(socket, Buffer.from(`PROPFIND / HTTP/1.1\r\n${HOST}\r\n`));
    let most = handedOver();
    for (let before = 0; before < 10; ) {
      most = Math.max(most, handedOver() - before);
      before = handedOver();
      await turn();
    }
    // Two of 3 ms fill a turn.
    expect(most).toBeLessThanOrEqual(2);
  });

  it('wait in a socket that is not read any further', async () => {
    const dispatch: Dispatch = ({ response }) => response.writeHead(204, []);
    const { sockets, found } = await takeAll(1, { first: `GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(50_000), dispatch });
    const [socket] = sockets;
    if (socket === undefined) throw new Error('no connection');
    const paused = await new Promise<boolean>((resolve) => {
      sniff(socket, 10_000, (_, first) => {
        spendTurn(1000);
        found(socket, first);
        // Behind what a socket does in ticks of its own.
        process.nextTick(() => process.nextTick(() => process.nextTick(() => resolve(socket.isPaused()))));
      });
    });
    expect(paused).toBe(true);
    expect(socket.bytesRead).toBeLessThanOrEqual(64 * 1024);
  });
});
