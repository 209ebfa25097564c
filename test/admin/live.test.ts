import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { LiveMessage } from '../../src/admin/state/state.ts';
import { startAdmin } from '../support/admin.ts';
import { routerStateOf } from '../support/router-state.ts';

const viewers: Viewer[] = [];

class Viewer {
  readonly socket: WebSocket;
  readonly messages: LiveMessage[] = [];
  #wake: () => void = () => {};

  constructor(url: string, path: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, { headers });
    this.socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as LiveMessage);
      this.#wake();
    });
    // A refused handshake is reported by `refusedWith`; the error that follows says nothing more.
    this.socket.on('error', () => {});
    viewers.push(this);
  }

  /** Resolves once a message of that kind satisfies `wanted`. */
  async until<Kind extends LiveMessage['kind']>(
    kind: Kind,
    wanted: (message: Extract<LiveMessage, { kind: Kind }>) => boolean,
  ): Promise<Extract<LiveMessage, { kind: Kind }>> {
    for (;;) {
      const found = this.messages.find(
        (message): message is Extract<LiveMessage, { kind: Kind }> =>
          message.kind === kind && wanted(message as Extract<LiveMessage, { kind: Kind }>),
      );
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  closed(): Promise<number> {
    return new Promise((resolve) => this.socket.on('close', resolve));
  }

  refusedWith(): Promise<number> {
    return new Promise((resolve) =>
      this.socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      }),
    );
  }
}

const handshakeOf = (target: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** What a handshake for `target` is answered; `answered` ends the connection then. */
function handshake(url: string, target: string, answered: (socket: Socket) => void): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname, () => socket.write(handshakeOf(target)));
  socket.on('error', () => {});
  let answer = '';
  socket.once('data', (bytes) => {
    answer = String(bytes);
    answered(socket);
  });
  return new Promise((resolve) => socket.once('close', () => resolve(answer)));
}

afterEach(() => {
  for (const viewer of viewers.splice(0)) viewer.socket.terminate();
});

describe('the live feed', () => {
  it('sends the state at once and again, and events as they happen', async () => {
    const { url, events } = await startAdmin([routerStateOf()]);
    const viewer = new Viewer(url, '/api/v1/live');
    const first = await viewer.until('state', () => true);
    expect(first.state.services[0]?.service).toBe('pilotnet');
    events.append('pilotnet', { kind: 'instance-added', key: 'pi-1/a' }, 0);
    const batch = await viewer.until('events', (message) => message.events.length === 1);
    expect(batch.events[0]).toMatchObject({ subject: 'pi-1/a', message: 'joined' });
    await viewer.until('state', (message) => message !== first);
  });

  it('makes up for the events that a viewer missed, and only those', async () => {
    const { url, events } = await startAdmin([]);
    for (let i = 0; i < 3; i++) events.append(null, { kind: 'lifecycle', phase: 'reloaded', detail: '' }, i);
    const viewer = new Viewer(url, '/api/v1/live?since=2');
    const batch = await viewer.until('events', () => true);
    expect(batch.events.map((event) => event.sequence)).toEqual([3]);
  });

  it('refuses those without the token and pages of other sites', async () => {
    const { url } = await startAdmin([], { config: { listen: { host: '127.0.0.1', port: 0 }, token: 's3cret' } });
    expect(await new Viewer(url, '/api/v1/live').refusedWith()).toBe(401);
    expect(await new Viewer(url, '/api/v1/live', { origin: 'http://evil.example' }).refusedWith()).toBe(403);
    expect(await new Viewer(url, '/elsewhere', { authorization: 'Bearer s3cret' }).refusedWith()).toBe(404);
    const welcome = new Viewer(url, '/api/v1/live', { authorization: 'Bearer s3cret' });
    await welcome.until('state', () => true);
  });

  it.each(['content-length', 'transfer-encoding'])('refuses a handshake that announces a body by %s', async (name) => {
    const { url } = await startAdmin([]);
    const value = name === 'content-length' ? '5' : 'chunked';
    expect(await new Viewer(url, '/api/v1/live', { [name]: value }).refusedWith()).toBe(400);
  });

  it('takes a handshake that says that it has no body', async () => {
    const { url } = await startAdmin([]);
    await new Viewer(url, '/api/v1/live', { 'content-length': '0' }).until('state', () => true);
  });

  it('refuses targets that are no URL, and goes on', async () => {
    const { url } = await startAdmin([]);
    for (const target of ['//', '///', 'http://[', '//a:99999/', '*', '\\', 'x', '/api/v1/live?since=%']) {
      const answer = await handshake(url, target, (socket) => socket.end());
      expect(answer).toMatch(target.startsWith('/api/v1/live?') ? /^HTTP\/1.1 101 / : /^HTTP\/1.1 40[04] /);
    }
    await new Viewer(url, '/api/v1/live').until('state', () => true);
  });

  it('outlives clients that reset their connection behind a refusal', async () => {
    const { url } = await startAdmin([]);
    for (let i = 0; i < 10; i++) {
      await handshake(url, '/elsewhere', (socket) => {
        socket.write('more');
        socket.resetAndDestroy();
      });
    }
    await new Viewer(url, '/api/v1/live').until('state', () => true);
  });

  it('cuts off a client that stays after its refusal', async () => {
    const { url } = await startAdmin([]);
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.on('error', () => {});
    socket.write(handshakeOf('/elsewhere'));
    const trickle = setInterval(() => socket.write('x'), 20);
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    clearInterval(trickle);
  });

  it('sends viewers away with 1008 when the token changes, or their session ends', async () => {
    const { url, admin } = await startAdmin([], {
      config: { listen: { host: '127.0.0.1', port: 0 }, token: 's3cret' },
    });
    const logIn = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"token":"s3cret"}',
    });
    const cookie = (logIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const bearer = new Viewer(url, '/api/v1/live', { authorization: 'Bearer s3cret' });
    const browser = new Viewer(url, '/api/v1/live', { cookie });
    await Promise.all([bearer, browser].map((viewer) => viewer.until('state', () => true)));
    const [bearerClosed, browserClosed] = [bearer.closed(), browser.closed()];
    await fetch(`${url}/api/v1/session`, { method: 'DELETE', headers: { cookie } });
    expect(await browserClosed).toBe(1008);
    expect((await fetch(`${url}/api/v1/state`, { headers: { cookie } })).status).toBe(401);
    admin.setToken('another');
    expect(await bearerClosed).toBe(1008);
  });

  it('sends viewers away with 1001 when it stops', async () => {
    const { url, admin } = await startAdmin([]);
    const viewer = new Viewer(url, '/api/v1/live');
    await viewer.until('state', () => true);
    const closed = viewer.closed();
    await admin.close();
    expect(await closed).toBe(1001);
  });
});
