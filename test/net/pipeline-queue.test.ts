// Requests sent ahead on a connection that node:http has: PROPFIND is one that it has to take.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LoopShare } from '../../src/net/loop-share.ts';
import { PipelineQueue } from '../../src/net/pipeline-queue.ts';
import { makeCertificates } from '../support/certificates.ts';
import { listening } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';
import { bodyOf, rawRequest, startInstance, startProxy, startRawInstance } from '../support/proxy.ts';

const HOST = 'Host: pilotnet\r\n';
const FIRST = `PROPFIND /first HTTP/1.1\r\n${HOST}\r\n`;
const LAST = `GET /last HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const CONNECT = 'CONNECT pilotnet:80 HTTP/1.1\r\nHost: pilotnet:80\r\n\r\n';
const HANDSHAKE = `${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;

/** An instance that says what it got, the first only when it is asked to. */
async function startHeld(): Promise<{ port: number; seen: string[]; answer: () => void }> {
  const seen: string[] = [];
  let held: ServerResponse | null = null;
  const { port } = await startInstance(async (request, response) => {
    seen.push(`${request.url}:${await bodyOf(request)}`);
    if (request.url === '/first') held = response;
    else response.end(`<${request.url}>`);
  });
  return { port, seen, answer: () => held?.end('</first>') };
}

function statuses(text: string): string[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1] ?? '');
}

describe('a request sent ahead', () => {
  it('of a WebSocket is no upgrade while others wait for their turn', async () => {
    const { port } = await startProxy([{ name: 'pilotnet', ports: [] }]);
    const ahead = 'PROPFIND / HTTP/1.1\r\nHost: none\r\n\r\n';
    for (let many = 1; many < 40; many += 3) {
      const handshake = `GET /ws HTTP/1.1\r\n${HANDSHAKE}`;
      const { text } = await rawRequest(port, ahead.repeat(many) + handshake + LAST);
      expect(statuses(text).length).toBeGreaterThanOrEqual(many + 1);
    }
  });

  it('of a WebSocket is no upgrade behind an answer that ends the connection', async () => {
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [] }]);
    // Its body is not read whole yet when its head has been refused, and what follows is read while the connection lingers.
    const body = `${'1\r\nz\r\n'.repeat(3000)}0\r\n\r\n`;
    const refused = `POST / HTTP/1.1\r\nHost: pilot,net\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.end(`${refused}${FIRST}GET /ws HTTP/1.1\r\n${HANDSHAKE}`);
    await once(socket, 'close');
    expect(statuses(text)).toEqual(['400']);
    // All that it sent has been read.
    await expect.poll(() => proxy.stats().connections, PATIENCE).toBe(0);
  });

  it('reaches its instance only behind the answer to the one before it', async () => {
    const { port: instance, seen, answer } = await startHeld();
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const ahead = Array.from({ length: 40 }, (_, i) => `PROPFIND /${i} HTTP/1.1\r\n${HOST}\r\n`).join('');
    const post = `POST /post HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
    const all = rawRequest(port, FIRST + ahead + post + LAST);
    await expect.poll(() => seen, PATIENCE).toEqual(['/first:']);
    expect(proxy.stats().inFlight).toBe(1);
    answer();
    const { text } = await all;
    const targets = ['/first', ...Array.from({ length: 40 }, (_, i) => `/${i}`), '/post', '/last'];
    expect([...text.matchAll(/<(.*?)>/g)].map((match) => match[1])).toEqual(targets);
    expect(seen).toEqual(targets.map((target) => (target === '/post' ? '/post:abc' : `${target}:`)));
  });

  it('gets what its instance says before the answer in front of that answer', async () => {
    const instance = await startRawInstance((socket) =>
      socket.on('data', () =>
        socket.write(
          `HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload, odd\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'y'.repeat(5000)}`,
        ),
      ),
    );
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const { text } = await rawRequest(port, FIRST + FIRST + LAST);
    expect(statuses(text)).toEqual(['103', '200', '103', '200', '103', '200']);
    expect(text.split('Link: </a>; rel=preload, odd\r\n')).toHaveLength(4);
  });

  it('that wants a WebSocket is a request like any other, and the last', async () => {
    const { port: instance, seen, answer } = await startHeld();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const all = rawRequest(port, `${FIRST}GET /socket HTTP/1.1\r\n${HANDSHAKE}${LAST}`);
    await expect.poll(() => seen, PATIENCE).toEqual(['/first:']);
    answer();
    const { text, ending } = await all;
    expect(statuses(text)).toEqual(['200', '200']);
    expect(text).toMatch(/connection: close\r\n\r\n<\/socket>$/i);
    expect(ending).toBe('end');
  });

  it.each([
    ['is no HTTP', 'NONSENSE\r\n\r\n'],
    ['is a CONNECT', CONNECT],
    ['breaks off in its body', `POST /broken HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  ])('that %s is answered 400 in its turn, and ends the connection', async (_, bytes) => {
    const { port: instance, seen, answer } = await startHeld();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const all = rawRequest(port, `${FIRST}GET /good HTTP/1.1\r\n${HOST}\r\n${bytes}${LAST}`);
    await expect.poll(() => seen, PATIENCE).toEqual(['/first:']);
    answer();
    const { text, ending } = await all;
    expect(statuses(text)).toEqual(['200', '200', '400']);
    expect(ending).toBe('end');
    expect(seen).toEqual(['/first:', '/good:']);
  });

  it('that is a CONNECT leaves the answer before it whole, however slowly that is read', async () => {
    const { port: instance } = await startInstance((_, response) => response.end('#'.repeat(10_000_000)));
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const { text, ending } = await rawRequest(port, FIRST + CONNECT);
    expect(text.lastIndexOf('#') - text.indexOf('#')).toBe(9_999_999);
    expect(statuses(text)).toEqual(['200', '400']);
    expect(ending).toBe('end');
  });

  it('that is a CONNECT harms no other client when its client is cut off', async () => {
    const { port: instance, seen, answer } = await startHeld();
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const client = connect(port, '127.0.0.1');
    client.write(FIRST + CONNECT);
    await expect.poll(() => seen, PATIENCE).toEqual(['/first:']);
    client.resetAndDestroy();
    await once(client, 'close');
    answer();
    await expect.poll(() => proxy.stats(), PATIENCE).toMatchObject({ connections: 0, inFlight: 0 });
  });

  it('that is one of very many is not even read while an earlier one takes its time', async () => {
    const many = 3000;
    let read = 0;
    let first: ServerResponse | null = null;
    const server = createServer((request, response) => {
      read++;
      turns ??= new PipelineQueue(request.socket);
      turns.take(response, () => {
        if (first === null) first = response;
        else response.end();
      });
    });
    let turns: PipelineQueue | null = null;
    onTestFinished(() => server.closeAllConnections());
    onTestFinished(() => void server.close());
    const client = connect(await listening(server), '127.0.0.1');
    let answered = '';
    client.on('data', (chunk) => {
      answered += chunk.toString('latin1');
    });
    client.write(`GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(1000)}\r\n\r\n`.repeat(many));
    await expect.poll(() => read, PATIENCE).toBeGreaterThan(16);
    for (let i = 0; i < 5000; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(read).toBeLessThan(500);
    (first as ServerResponse | null)?.end();
    await expect.poll(() => statuses(answered).length, PATIENCE).toBe(many);
    client.destroy();
  });
});

describe('a connection whose next request waits for its share of the event loop', () => {
  it('is busy, though no answer is under way', async () => {
    const busy = Promise.withResolvers<boolean>();
    let queue: PipelineQueue | null = null;
    const server = createServer((request, response) => {
      const turns = queue ?? new PipelineQueue(request.socket);
      queue = turns;
      turns.take(response, () => {
        if (request.url !== '/first') {
          response.end();
          return;
        }
        // By then the second one is read, and waits.
        setImmediate(() => {
          response.once('close', () => busy.resolve(turns.busy));
          new LoopShare(() => {}).use(1000);
          response.end();
        });
      });
    });
    onTestFinished(() => void server.close());
    const answers = rawRequest(await listening(server), `GET /first HTTP/1.1\r\n${HOST}\r\n${LAST}`);
    expect(await busy.promise).toBe(true);
    expect(statuses((await answers).text)).toEqual(['200', '200']);
  });
});

describe('the last answer', () => {
  it('reaches a client that is still sending', async () => {
    const { port: instance } = await startHeld();
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }], { bodyBytesMax: 1000 });
    const body = `2dc6c0\r\n${'x'.repeat(3_000_000)}\r\n0\r\n\r\n`;
    const answer = await rawRequest(port, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}${LAST}`);
    expect(statuses(answer.text)).toEqual(['413']);
    expect(answer.ending).toBe('end');
  });

  it('reaches a client that sent many requests behind it', async () => {
    const body = 'x'.repeat(300_000);
    // Whether a client that gets no 100 sends its body is not to be known: node closes behind the answer.
    const instance = await startRawInstance((socket) =>
      socket.on('data', (chunk) => {
        if (chunk.toString().endsWith('hello'))
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${body}`);
      }),
    );
    const { port, proxy, observed } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    client.on('error', () => {});
    client.write(`POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`);
    client.write(`GET /${'a'.repeat(1000)} HTTP/1.1\r\n${HOST}\r\n`.repeat(700));
    // A reset would take from it what has not arrived yet.
    await expect.poll(() => observed.length, PATIENCE).toBe(1);
    await expect.poll(() => proxy.stats().connections, PATIENCE).toBe(0);
    const text = Buffer.concat(await client.toArray().catch(() => [])).toString();
    expect(statuses(text)).toEqual(['200']);
    expect(text.endsWith(`\r\n\r\n${body}`)).toBe(true);
  });
});

describe('an answer that is cut off', () => {
  it('is cut off for a client behind TLS as well, and for nothing else', async () => {
    const instance = await startRawInstance((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', () => socket.destroy());
      });
    });
    const { server, caFile } = makeCertificates();
    const tls = { ...server, clientCaFile: null };
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance] }], { tls });
    for (let i = 0; i < 2; i++) {
      const client = connectTls({ port, host: 'localhost', ca: readFileSync(caFile) });
      client.on('error', () => {});
      client.resume();
      client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
      await once(client, 'close');
    }
    await expect.poll(() => proxy.stats(), PATIENCE).toMatchObject({ connections: 0, inFlight: 0 });
  });
});

describe('a handshake', () => {
  it('whose client leaves is given up', async () => {
    let handshakes = 0;
    const instance = await startRawInstance((socket) => socket.on('data', () => handshakes++));
    const { port, proxy, observed } = await startProxy([{ name: 'pilotnet', ports: [instance], timeoutMs: 600_000 }]);
    const client = connect(port, '127.0.0.1');
    client.write(`GET / HTTP/1.1\r\n${HANDSHAKE}`);
    await expect.poll(() => handshakes, PATIENCE).toBe(1);
    client.destroy();
    await expect.poll(() => proxy.stats(), PATIENCE).toMatchObject({ connections: 0, inFlight: 0 });
    expect(observed.map(({ result }) => result)).toEqual(['aborted']);
  });

  it('passes on what its client sent before it was answered', async () => {
    let seen = '';
    const instance = await startRawInstance((socket) =>
      socket.on('data', (chunk) => {
        seen += chunk.toString('latin1');
        if (seen.endsWith('\r\n\r\n'))
          setTimeout(() => socket.write('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'), 100);
      }),
    );
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const client = connect(port, '127.0.0.1');
    client.write(`GET / HTTP/1.1\r\n${HANDSHAKE}`);
    await expect.poll(() => seen, PATIENCE).toContain('\r\n\r\n');
    client.write('ahead'.repeat(40_000));
    await expect.poll(() => seen.endsWith('ahead'.repeat(40_000)), PATIENCE).toBe(true);
    client.destroy();
  });
});
