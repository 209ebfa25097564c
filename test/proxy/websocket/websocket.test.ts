// WebSockets through the proxy: routed like a request, then two sockets and nothing in between.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { PATIENCE } from '../../support/patience.ts';
import { deadPort, rawRequest, startInstance, startProxy, type TestProxy, until } from '../../support/proxy.ts';

interface Behind extends TestProxy {
  readonly instance: WebSocketServer;
  open(path?: string, protocols?: string[]): Promise<WebSocket>;
}

async function behind(onSocket: (socket: WebSocket) => void, drainMs = 2000): Promise<Behind> {
  const server = await startInstance((_, response) => response.end());
  const instance = new WebSocketServer({
    server: server.server,
    maxPayload: 64 * 1024 * 1024,
    handleProtocols: (protocols) => (protocols.has('v2') ? 'v2' : false),
  });
  instance.on('connection', onSocket);
  const proxy = await startProxy([{ name: 'pilotnet', ports: [server.port] }], { drainMs });
  const open = async (path = '/', protocols: string[] = []): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}${path}`, protocols, {
      headers: { 'X-QEdge-Service': 'pilotnet' },
      maxPayload: 64 * 1024 * 1024,
    });
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    return socket;
  };
  return { ...proxy, instance, open };
}

const echo = (socket: WebSocket): void => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
};

describe('a WebSocket', () => {
  it('carries messages both ways, and its handshake is what is measured', async () => {
    const { open, observed, accounts, proxy } = await behind(echo);
    const socket = await open();
    socket.send('frame');
    const [data] = await once(socket, 'message');
    expect(String(data)).toBe('frame');
    expect(observed.map(({ result }) => result)).toEqual(['answered']);
    expect(accounts).toEqual([{ clientId: '127.0.0.1', success: true }]);
    expect(proxy.stats()).toMatchObject({ connections: 1, inFlight: 0 });
  });

  it.each<[string, (socket: WebSocket) => void, string[]]>([
    ['breaks off in no order', (socket) => socket.terminate(), ['success', 'broke-off']],
    ['closes as one that cannot serve', (socket) => socket.close(1013), ['success', 'broke-off']],
    ['closes in order', (socket) => socket.close(1000), ['success']],
    ['answers the close of its client', () => {}, ['success']],
  ])('that its instance %s is worth what it was', async (_how, end, rows) => {
    const { open, verdicts, accounts } = await behind((socket) => {
      socket.on('message', () => end(socket));
    });
    const socket = await open();
    const closed = once(socket, 'close');
    socket.send('frame');
    if (rows.length === 1) socket.close();
    await closed;
    await until(() => verdicts.length >= rows.length);
    expect(verdicts.map(({ row }) => row)).toEqual(rows);
    expect(accounts.map(({ success }) => success)).toEqual([rows.length === 1]);
  });

  it('agrees on a subprotocol end to end', async () => {
    const { open } = await behind(echo);
    expect((await open('/', ['v1', 'v2'])).protocol).toBe('v2');
  });

  it('passes pings, pongs and their payload', async () => {
    const { open } = await behind((socket) => socket.on('message', () => socket.ping('are you there')));
    const socket = await open();
    socket.send('knock');
    const [payload] = await once(socket, 'ping');
    expect(String(payload)).toBe('are you there');
    socket.ping('and you');
    const [answer] = await once(socket, 'pong');
    expect(String(answer)).toBe('and you');
  });

  it('passes close codes and reasons both ways', async () => {
    const codes: number[] = [];
    const { open } = await behind((socket) => {
      socket.on('close', (code) => codes.push(code));
      socket.on('message', () => socket.close(4001, 'enough'));
    });
    const first = await open();
    first.send('x');
    const [code, reason] = await once(first, 'close');
    expect([code, String(reason)]).toEqual([4001, 'enough']);
    const second = await open();
    second.close(4002);
    await until(() => codes.includes(4002));
  });

  it('passes a message of 16 MiB, compressed or not', async () => {
    const { open } = await behind(echo);
    const socket = await open();
    const message = Buffer.alloc(16 * 1024 * 1024, 7);
    socket.send(message);
    const [back] = await once(socket, 'message');
    expect(Buffer.compare(back, message)).toBe(0);
  });

  it('passes a fragmented message', async () => {
    const { open } = await behind(echo);
    const socket = await open();
    socket.send('one ', { fin: false });
    socket.send('two ', { fin: false });
    socket.ping();
    socket.send('three', { fin: true });
    const [back] = await once(socket, 'message');
    expect(String(back)).toBe('one two three');
  });

  it('ends at one end when the other dies', async () => {
    const sockets: WebSocket[] = [];
    const { open, proxy } = await behind((socket) => sockets.push(socket));
    const first = await open();
    await until(() => sockets.length === 1);
    sockets[0]?.terminate();
    expect((await once(first, 'close'))[0]).toBe(1006);
    const second = await open();
    await until(() => sockets.length === 2);
    second.terminate();
    await once(sockets[1] as WebSocket, 'close');
    await until(() => proxy.stats().services[0]?.upstreamConnections === 0);
    expect(proxy.stats().connections).toBe(0);
  });

  it('goes on one way when the other is closed', async () => {
    const seen: string[] = [];
    let upstream: Socket | null = null;
    const instance = await startInstance(() => {});
    instance.server.on('upgrade', (_, duplex) => {
      const socket = duplex as Socket;
      upstream = socket;
      socket.on('data', (chunk) => seen.push(String(chunk)));
      socket.on('end', () => seen.push('end'));
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
    const { port, proxy } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    client.on('data', (chunk) => {
      text += chunk;
    });
    client.write(`GET / HTTP/1.1\r\nHost: pilotnet\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await until(() => text.includes('101 '));
    client.end('bye');
    await until(() => seen.join() === 'bye,end');
    (upstream as Socket | null)?.end('bye yourself');
    await once(client, 'end');
    expect(text.endsWith('bye yourself')).toBe(true);
    await until(() => proxy.stats().connections === 0);
  });

  it('is no idle connection', async () => {
    const instance = await startInstance((_, response) => response.end());
    new WebSocketServer({ server: instance.server }).on('connection', echo);
    const limits = { keepAliveTimeoutMs: 40, bodyIdleTimeoutMs: 30 };
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], limits);
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { 'X-QEdge-Service': 'pilotnet' } });
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.send('still there');
    expect(String((await once(socket, 'message'))[0])).toBe('still there');
  });

  it('hears 1001 at both ends when the proxy goes away', async () => {
    const codes: number[] = [];
    const { open, proxy } = await behind((socket) => socket.on('close', (code) => codes.push(code)));
    const socket = await open();
    const closed = once(socket, 'close');
    const drained = proxy.drain();
    expect((await closed)[0]).toBe(1001);
    await until(() => codes.length === 1);
    expect(codes).toEqual([1001]);
    await drained;
  });

  it('hears 1001 only behind the frame that is under way', async () => {
    let upstream: Socket | null = null;
    const { port, proxy } = await behind((socket) => {
      upstream = (socket as unknown as { _socket: Socket })._socket;
    });
    const client = connect(port, '127.0.0.1');
    const bytes: Buffer[] = [];
    client.on('data', (chunk: Buffer) => bytes.push(chunk));
    client.write(
      'GET / HTTP/1.1\r\nHost: pilotnet\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await until(() => upstream !== null);
    // The first half of a text frame of four bytes.
    (upstream as unknown as Socket).write(Buffer.from([0x81, 4, 0x61, 0x62]));
    await until(() => Buffer.concat(bytes).toString('latin1').endsWith('ab'));
    const drained = proxy.drain();
    (upstream as unknown as Socket).write(Buffer.from([0x63, 0x64]));
    await once(client, 'end');
    expect(Buffer.concat(bytes).subarray(-8)).toEqual(Buffer.from([0x61, 0x62, 0x63, 0x64, 0x88, 2, 0x03, 0xe9]));
    client.destroy();
    await drained;
  });
});

describe('a WebSocket handshake', () => {
  const HANDSHAKE =
    'GET / HTTP/1.1\r\nHost: pilotnet\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

  const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
  const UPGRADED = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

  /** Behind an instance that answers handshakes with `body`. */
  async function startRefusal(body: string, config: Parameters<typeof startProxy>[1] = {}): Promise<TestProxy> {
    const instance = await startInstance(() => {});
    instance.server.on('upgrade', (_, socket) => {
      socket.on('error', () => {});
      socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    return startProxy([{ name: 'pilotnet', ports: [instance.port] }], config);
  }

  it('that the instance refuses is passed on as the answer it is', async () => {
    const instance = await startInstance(() => {});
    instance.server.on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Why: token\r\n\r\nnope');
    });
    const { port, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const answer = await rawRequest(port, HANDSHAKE);
    expect(answer.status).toBe(403);
    expect(answer.head).toContain('X-Why: token');
    expect(answer.body).toBe('nope');
    expect(observed.map(({ result }) => result)).toEqual(['answered']);
  });

  it('that is refused at length gets the whole answer, as fast as its client reads', async () => {
    const { port } = await startRefusal('#'.repeat(10_000_000));
    const { body, ending } = await rawRequest(port, HANDSHAKE);
    expect(body).toHaveLength(10_000_000);
    expect(ending).toBe('end');
  });

  it('that is refused at length ends with a client that does not read', async () => {
    const { port, proxy } = await startRefusal('#'.repeat(10_000_000), { bodyIdleTimeoutMs: 100 });
    const client = connect(port, '127.0.0.1').pause();
    onTestFinished(() => void client.destroy());
    client.write(HANDSHAKE);
    await expect.poll(() => proxy.stats().inFlight, PATIENCE).toBe(1);
    await expect.poll(() => proxy.stats(), PATIENCE).toMatchObject({ connections: 0, inFlight: 0 });
  });

  it('goes to another instance when one cannot be reached', async () => {
    const server = await startInstance((_, response) => response.end());
    new WebSocketServer({ server: server.server }).on('connection', echo);
    const { port, observed } = await startProxy([{ name: 'pilotnet', ports: [await deadPort(), server.port] }]);
    for (let i = 0; i < 2; i++) {
      const answer = await rawRequest(port, HANDSHAKE, '\r\n\r\n');
      expect(answer.status).toBe(101);
    }
    expect(observed.map(({ result }) => result)).toContain('refused');
  });

  it.each([
    ['success', '101 Switching Protocols', `${UPGRADED}Sec-WebSocket-Accept: ${ACCEPT}\r\n`],
    ['mismatched', '101 Switching Protocols', UPGRADED],
    ['mismatched', '101 Switching Protocols', `${UPGRADED}Sec-WebSocket-Accept: AAAA\r\n`],
    [
      'mismatched',
      '101 Switching Protocols',
      `${UPGRADED}Sec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Protocol: x\r\n`,
    ],
    [
      'mismatched',
      '101 Switching Protocols',
      `Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n`,
    ],
    ['mismatched', '200 OK', 'Content-Length: 0\r\n'],
    ['declined', '404 Not Found', 'Content-Length: 0\r\n'],
  ])('is %s where its answer is %s, %j', async (row, status, fields) => {
    const instance = await startInstance(() => {});
    instance.server.on('upgrade', (_, socket) => {
      socket.on('error', () => {});
      socket.write(`HTTP/1.1 ${status}\r\n${fields}\r\n`);
    });
    const proxy = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    await rawRequest(proxy.port, HANDSHAKE, '\r\n\r\n');
    expect(proxy.verdicts.map((verdict) => verdict.row)).toEqual([row]);
  });

  it('that one instance alone ends with nothing said is held against it', async () => {
    const ends = [(socket: WebSocket) => socket.close(4401), (socket: WebSocket) => socket.send('left')];
    const servers = await Promise.all(ends.map(() => startInstance((_, response) => response.end())));
    for (const [i, { server }] of servers.entries()) {
      new WebSocketServer({ server }).on('connection', ends[i] as (socket: WebSocket) => void);
    }
    const ports = servers.map(({ port }) => port);
    const proxy = await startProxy([{ name: 'pilotnet', ports, policy: { name: 'round-robin', options: {} } }]);
    for (let i = 0; i < 28; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { headers: { 'X-QEdge-Service': 'pilotnet' } });
      socket.once('message', () => socket.close());
      await once(socket, 'close');
    }
    await until(() => proxy.verdicts.filter(({ row }) => row === 'broke-off').length > 2);
    expect(proxy.verdicts.filter(({ row }) => row === 'broke-off').every(({ key }) => key === 'n1/a')).toBe(true);
  });

  it.each([
    ['', 0x81],
    // A frame with its second reserved bit.
    ['Sec-WebSocket-Extensions: x-bits\r\n', 0xa1],
  ])('on which one instance alone says what is no frame is held against it, %j', async (extensions, first) => {
    const lines = [Buffer.from('HTTP/1.1 500 Internal Server Error\r\n\r\n'), Buffer.from([first, 0x01, 0x41])];
    const servers = await Promise.all(lines.map(() => startInstance((_, response) => response.end())));
    for (const [i, { server }] of servers.entries()) {
      server.on('upgrade', ({ headers }, socket) => {
        const accept = createHash('sha1').update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
        socket.on('error', () => {}).once('data', () => socket.end());
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${UPGRADED}${extensions}`);
        socket.write(`Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`);
        socket.write(lines[i] as Buffer);
      });
    }
    const ports = servers.map(({ port }) => port);
    const proxy = await startProxy([{ name: 'pilotnet', ports, policy: { name: 'round-robin', options: {} } }]);
    for (let i = 0; i < 28; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { headers: { 'X-QEdge-Service': 'pilotnet' } });
      socket.once('message', () => socket.close());
      // It gives up at what is no frame.
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await until(() => proxy.verdicts.filter(({ row }) => row === 'broke-off').length > 2);
    expect(proxy.verdicts.filter(({ row }) => row === 'broke-off').every(({ key }) => key === 'n1/a')).toBe(true);
  });

  it('gets an error of our own like any request', async () => {
    const { port } = await startProxy([{ name: 'pilotnet', ports: [] }]);
    const answer = await rawRequest(port, HANDSHAKE);
    expect(answer.status).toBe(503);
    expect(answer.head).toContain('X-QEdge-Error: no-instance');
    expect(answer.ending).toBe('end');
  });
});
