// requires: openssl

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2, createSecureServer } from 'node:http2';
import { createServer as createHttpsServer, request } from 'node:https';
import { type AddressInfo, connect, type Server as NetServer, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
} from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ServiceConfig } from '../../src/config/config.ts';
import { proveTls } from '../../src/proxy/prove-tls.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { listening } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';
import { bodyOf, proxyConfig, rawRequest, startInstance, startProxy } from '../support/proxy.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, string | string[] | undefined>;
}

function get(port: number, tls: ConnectionOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: 'localhost', port, path: '/', headers: { 'x-qedge-service': 'svc' }, agent: false, ...tls };
    request(options as object, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    })
      .on('error', reject)
      .end();
  });
}

const CHACHA_FIRST = 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256';

const read = ({ certFile, keyFile }: Certificates['server']) => ({
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
});

function serialOf(port: number, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: 'localhost', port, ca }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** One that speaks for itself, byte by byte. */
async function startRawTlsInstance(
  certificates: Certificates,
  onSocket: (socket: TLSSocket, tcp: Socket) => void,
): Promise<number> {
  const below = new Map<number | undefined, Socket>();
  const server = createTlsServer({ ...read(certificates.server), ALPNProtocols: ['http/1.1'] }, (socket) => {
    socket.on('error', () => {});
    const tcp = below.get(socket.remotePort);
    if (tcp !== undefined) onSocket(socket, tcp);
  });
  server.on('connection', (tcp) => below.set(tcp.remotePort, tcp));
  onTestFinished(() => void server.close());
  return listening(server);
}

async function startTlsInstance(certificates: Certificates, name: string): Promise<number> {
  const server = createHttpsServer(read(certificates.server), (_request, response) => response.end(name));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return listening(server);
}

describe('TLS towards clients', () => {
  it('serves HTTP/1.1 and, where the client asks for it, HTTP/2', async () => {
    const certificates = makeCertificates();
    const ca = readFileSync(certificates.caFile);
    const instance = await startInstance((incoming, response) => response.end(incoming.headers['x-forwarded-proto']));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], {
      tls: { ...certificates.server, clientCaFile: null },
    });
    expect(await get(proxy.port, { ca })).toMatchObject({ status: 200, body: 'https' });
    const client = connectHttp2(`https://localhost:${proxy.port}`, { ca });
    onTestFinished(() => client.destroy());
    const stream = client.request({ 'x-qedge-service': 'svc' });
    stream.setEncoding('utf8');
    let body = '';
    for await (const chunk of stream) body += chunk;
    expect(body).toBe('https');
    expect(client.alpnProtocol).toBe('h2');
  });

  it.each([
    ['the one whose keys cost the least', {}, 'TLS_AES_128_GCM_SHA256'],
    ['ChaCha20, of a client that prefers it', { ciphers: CHACHA_FIRST }, 'TLS_CHACHA20_POLY1305_SHA256'],
    ['one of TLS 1.2', { maxVersion: 'TLSv1.2' }, 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ] as const)('agrees on a cipher: %s', async (_what, options, cipher) => {
    const certificates = makeCertificates();
    const tls = { ...certificates.server, clientCaFile: null };
    const proxy = await startProxy([{ name: 'svc', ports: [] }], { tls });
    const ca = readFileSync(certificates.caFile);
    const agreed = async (): Promise<string> => {
      const socket = connectTls({ host: 'localhost', port: proxy.port, ca, ...options });
      await once(socket, 'secureConnect');
      const { name } = socket.getCipher();
      socket.destroy();
      return name;
    };
    expect(await agreed()).toBe(cipher);
    proxy.proxy.configure(proxyConfig({ tls }), false);
    expect(await agreed()).toBe(cipher);
  });

  it('serves requests on one connection in their order, plain ones and others, however small their records', async () => {
    const certificates = makeCertificates();
    const instance = await startInstance(async (incoming, response) => {
      const body = (await bodyOf(incoming)).toString('latin1');
      response.end(`<${incoming.method} ${incoming.url} ${body}>`);
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], {
      tls: { ...certificates.server, clientCaFile: null },
    });
    const client = connectTls({ host: 'localhost', port: proxy.port, ca: readFileSync(certificates.caFile) });
    onTestFinished(() => void client.destroy());
    client.setNoDelay(true);
    const send = (text: string): void => {
      for (const byte of Buffer.from(text, 'latin1')) client.write(Buffer.from([byte]));
    };
    const head = (line: string, more: string): string => `${line} HTTP/1.1\r\nHost: svc\r\n${more}\r\n`;
    client.write(head('GET /plain', ''));
    client.write(head('POST /records', 'Content-Length: 200\r\n'));
    send('x'.repeat(200));
    client.write(head('GET /again', ''));
    send(head('PROPFIND /odd', 'Connection: close\r\n'));
    let text = '';
    for await (const chunk of client) text += chunk;
    const answers = [...text.matchAll(/<([^>]*)>/g)].map((match) => match[1]);
    expect(answers).toEqual(['GET /plain ', `POST /records ${'x'.repeat(200)}`, 'GET /again ', 'PROPFIND /odd ']);
  });

  it('turns away a client without a certificate where one is demanded', async () => {
    const certificates = makeCertificates();
    const ca = readFileSync(certificates.caFile);
    const instance = await startInstance((_request, response) => response.end('ok'));
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], {
      tls: { ...certificates.server, clientCaFile: certificates.caFile },
    });
    await expect(get(proxy.port, { ca })).rejects.toThrow();
    expect((await get(proxy.port, { ca, ...read(certificates.client) })).body).toBe('ok');
  });

  it('asks clients for a certificate after a reload that demands one, and stops after a reload that does not', async () => {
    const certificates = makeCertificates();
    const ca = readFileSync(certificates.caFile);
    const instance = await startInstance((_request, response) => response.end('ok'));
    const open = { ...certificates.server, clientCaFile: null };
    const closed = { ...certificates.server, clientCaFile: certificates.caFile };
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], { tls: open });
    expect((await get(proxy.port, { ca })).status).toBe(200);
    proxy.proxy.configure(proxyConfig({ tls: closed }), false);
    await expect(get(proxy.port, { ca })).rejects.toThrow();
    expect((await get(proxy.port, { ca, ...read(certificates.client) })).status).toBe(200);
    proxy.proxy.configure(proxyConfig({ tls: open }), false);
    expect((await get(proxy.port, { ca })).status).toBe(200);
  });

  it.each([
    ['rubbish', () => 'rubbish'],
    ['nothing', () => ''],
    ['half a certificate', (pem: string) => pem.slice(0, pem.length / 2)],
    ['one that is whole and one that is broken off', (pem: string) => pem + pem.slice(0, pem.length / 2)],
    ['no certificate in its armour', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ])('refuses a CA file that holds %s, of clients and of a service', (_what, spoil) => {
    const certificates = makeCertificates();
    writeFileSync(certificates.caFile, spoil(readFileSync(certificates.caFile, 'utf8')));
    const tls = { ...certificates.server, clientCaFile: certificates.caFile };
    expect(() => proveTls({ proxy: proxyConfig({ tls }), services: [] })).toThrow(/proxy\.tls\.client_ca: .*ca\.crt/);
    const service = { name: 'svc', caFile: certificates.caFile } as ServiceConfig;
    expect(() => proveTls({ proxy: proxyConfig(), services: [service] })).toThrow(/service svc: ca: .*ca\.crt/);
  });

  it('is resumed by another event loop, until the keys or the CA of the clients are others', async () => {
    const certificates = makeCertificates();
    const { caFile, server, client } = certificates;
    const tls = { ...server, clientCaFile: caFile };
    const instance = await startInstance((_request, response) => response.end('ok'));
    const start = () => startProxy([{ name: 'svc', ports: [instance.port] }], { tls });
    const [first, second] = [await start(), await start()];
    const ca = readFileSync(caFile);
    /** Whether the session was one that began before, and what it is resumed with. Rejects where it is not let in. */
    const visit = async (port: number, options: ConnectionOptions): Promise<{ reused: boolean; session: Buffer }> => {
      const socket = connectTls({ host: 'localhost', port, ca, ...options });
      let session: Buffer = Buffer.alloc(0);
      socket.on('session', (ticket: Buffer) => {
        session = ticket;
      });
      socket.write('GET / HTTP/1.1\r\nHost: svc\r\n\r\n');
      const [answer] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer | boolean];
      const reused = socket.isSessionReused();
      socket.destroy();
      expect(String(answer)).toContain('HTTP/1.1 200 ');
      return { reused, session };
    };
    const secret = randomBytes(32);
    for (const { proxy } of [first, second]) proxy.renewTicketKeys(secret);
    const { session } = await visit(first.port, read(client));
    expect((await visit(second.port, { session })).reused).toBe(true);
    second.proxy.renewTicketKeys(randomBytes(32));
    expect((await visit(second.port, { ...read(client), session })).reused).toBe(false);
    const other = makeCertificates();
    first.proxy.configure(proxyConfig({ tls: { ...server, clientCaFile: other.caFile } }), false);
    await expect(visit(first.port, { session })).rejects.toThrow();
    expect((await visit(first.port, { ...read(other.client), session })).reused).toBe(false);
  });

  it('takes over renewed certificates for new connections, and refuses bad ones', async () => {
    const first = makeCertificates();
    const second = makeCertificates();
    const ca = Buffer.concat([readFileSync(first.caFile), readFileSync(second.caFile)]);
    const instance = await startInstance((_request, response) => response.end('ok'));
    const tls = { ...first.server, clientCaFile: null };
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }], { tls });
    const before = await serialOf(proxy.port, ca);
    copyFileSync(second.server.certFile, first.server.certFile);
    // A certificate without its key must change nothing.
    expect(() => proxy.proxy.configure(proxyConfig({ tls }), false)).toThrow(/proxy\.tls: .*server\.crt/);
    expect(await serialOf(proxy.port, ca)).toBe(before);
    copyFileSync(second.server.keyFile, first.server.keyFile);
    proxy.proxy.configure(proxyConfig({ tls }), false);
    expect(await serialOf(proxy.port, ca)).not.toBe(before);
    expect((await get(proxy.port, { ca })).body).toBe('ok');
  });
});

describe('a client that does not finish its handshake', () => {
  it('is cut off like one that does not finish its head', async () => {
    const { server } = makeCertificates();
    const { port } = await startProxy([], { tls: { ...server, clientCaFile: null }, headersTimeoutMs: 100 });
    const client = connect(port, '127.0.0.1').on('error', () => {});
    await once(client.resume(), 'close');
  });

  it('is cut off as a reload says', async () => {
    const { server } = makeCertificates();
    const tls = { ...server, clientCaFile: null };
    const { port, proxy } = await startProxy([], { tls, headersTimeoutMs: 3_600_000 });
    proxy.configure(proxyConfig({ tls, headersTimeoutMs: 100 }), false);
    const client = connect(port, '127.0.0.1').on('error', () => {});
    await once(client.resume(), 'close');
  });

  it('does not keep the proxy from its end', async () => {
    const { server } = makeCertificates();
    const tls = { ...server, clientCaFile: null };
    const { port, proxy } = await startProxy([], { tls, headersTimeoutMs: 3_600_000, drainMs: 200 });
    const client = connect(port, '127.0.0.1').on('error', () => {});
    await once(client, 'connect');
    await proxy.drain();
    await once(client.resume(), 'close');
  });
});

describe('an instance behind TLS', () => {
  it('is used when the CA of the service signed its certificate', async () => {
    const certificates = makeCertificates();
    const port = await startTlsInstance(certificates, 'secret');
    const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'https', caFile: certificates.caFile }]);
    for (const method of ['GET', 'POST']) {
      const answer = await fetch(proxy.url, {
        method,
        headers: { 'x-qedge-service': 'svc' },
        ...(method === 'POST' ? { body: Buffer.alloc(200_000) } : {}),
      });
      expect([answer.status, await answer.text()]).toEqual([200, 'secret']);
    }
  });

  it('is spoken to as one without, over connections that are used again', async () => {
    const certificates = makeCertificates();
    const connections: TLSSocket[] = [];
    const answers: Record<string, string> = {
      '/lengthy': 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Odd: caf\xe9\r\n\r\nlengthy',
      '/same': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n',
      '/early': 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
      '/chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n',
    };
    const port = await startRawTlsInstance(certificates, (socket) => {
      connections.push(socket);
      socket.on('data', (chunk) => socket.write(answers[String(chunk).split(' ')[1] ?? ''] ?? '', 'latin1'));
    });
    const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'https', caFile: certificates.caFile }]);
    const ask = (target: string): Promise<string> =>
      rawRequest(proxy.port, `GET ${target} HTTP/1.1\r\nHost: svc\r\nConnection: close\r\n\r\n`).then(
        ({ text }) => text,
      );
    expect(await ask('/lengthy')).toMatch(/X-Odd: caf\xe9\r\n[\s\S]*\r\n\r\nlengthy$/);
    expect(await ask('/same')).toMatch(/304 Not Modified\r\n[\s\S]*\r\n\r\n$/);
    expect(await ask('/early')).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 204 /);
    expect(await ask('/chunks')).toMatch(/2\r\nok\r\n0\r\nX-T: 1\r\n\r\n$/);
    // The first only found out what is spoken here.
    expect(connections.filter(({ bytesRead }) => bytesRead > 0)).toHaveLength(1);
  });

  it.each([
    ['dies in the middle of its answer', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', '', 'reset'],
    ['says nothing', '', '502', 'end'],
    ['talks nonsense', 'SSH-2.0-OpenSSH_9.2\r\n', '502', 'end'],
    [
      'contradicts itself',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '502',
      'end',
    ],
  ])('that %s does it to its client alone', async (_, bytes, status, ending) => {
    const certificates = makeCertificates();
    const port = await startRawTlsInstance(certificates, (socket) => socket.on('data', () => socket.end(bytes)));
    const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'https', caFile: certificates.caFile }]);
    const answer = await rawRequest(proxy.port, 'POST / HTTP/1.1\r\nHost: svc\r\nConnection: close\r\n\r\n');
    expect(answer.text).toContain(status);
    expect(answer.ending).toBe(ending);
    expect(proxy.proxy.stats().inFlight).toBe(0);
  });

  it.each([
    ['whole with a goodbye of TLS', true, 'end'],
    ['cut off without one', false, 'reset'],
  ])('whose answer ends with its connection is %s', async (_, saysGoodbye, ending) => {
    const certificates = makeCertificates();
    const port = await startRawTlsInstance(certificates, (socket, tcp) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
        if (!text.endsWith('\r\n\r\n') && !text.endsWith('!')) return;
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.write('0123456789', () => (saysGoodbye ? socket : tcp).end());
      });
    });
    const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'https', caFile: certificates.caFile }]);
    const body = 'x'.repeat(100_000);
    for (const request of ['GET / HTTP/1.1\r\n', `POST / HTTP/1.1\r\nContent-Length: ${body.length + 1}\r\n`]) {
      const behind = request.startsWith('POST') ? `${body}!` : '';
      const answer = await rawRequest(proxy.port, `${request}Host: svc\r\nConnection: close\r\n\r\n${behind}`);
      expect(answer.text).toContain('HTTP/1.1 200 OK');
      expect(answer.text).toContain('0123456789');
      expect(answer.ending).toBe(ending);
    }
  });

  it('is not trusted when another authority signed it', async () => {
    const certificates = makeCertificates();
    const others = makeCertificates();
    const port = await startTlsInstance(certificates, 'secret');
    const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'https', caFile: others.caFile }]);
    const answer = await fetch(proxy.url, { headers: { 'x-qedge-service': 'svc' } });
    expect([answer.status, answer.headers.get('x-qedge-error')]).toEqual([502, 'upstream-connect']);
    expect(await answer.json()).toMatchObject({ service: 'svc' });
  });

  it('is spoken to in HTTP/2 when it offers that', async () => {
    const certificates = makeCertificates();
    const server = createSecureServer(read(certificates.server));
    server.on('stream', (stream, headers) => {
      stream.respond({ ':status': 200, 'x-scheme': String(headers[':scheme']) });
      stream.end('two');
    });
    const sessions = new Set<{ destroy(): void }>();
    server.on('session', (session) => sessions.add(session));
    onTestFinished(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    const port = await listening(server as unknown as NetServer);
    const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'https', caFile: certificates.caFile }]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => fetch(proxy.url, { headers: { 'x-qedge-service': 'svc' } })),
    );
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('x-scheme'), await answer.text()]).toEqual([200, 'https', 'two']);
    }
    expect(sessions.size).toBe(1);
  });

  it.each([
    ['http2', 'http1'],
    ['http1', 'http2'],
    ['http2', 'plain TLS'],
  ] as const)('is served again when it spoke %s and comes back with %s', async (before, after) => {
    const certificates = makeCertificates();
    const first = await startSpeaking(certificates, before, 0);
    const service = { name: 'svc', ports: [first.port], scheme: 'https', caFile: certificates.caFile } as const;
    const proxy = await startProxy([service]);
    const ask = async (): Promise<string> => {
      const answer = await fetch(proxy.url, { headers: { 'x-qedge-service': 'svc' } });
      return `${answer.status} ${await answer.text()}`;
    };
    await vi.waitFor(async () => expect(await ask()).toBe(`200 ${before}`), PATIENCE);
    await first.stop();
    await startSpeaking(certificates, after, first.port);
    await vi.waitFor(async () => expect(await ask()).toBe(`200 ${after}`), PATIENCE);
  });
});

/** An instance that speaks one protocol only and says its name; `plain TLS` is HTTP/1.1 by one that knows no ALPN. */
async function startSpeaking(
  certificates: Certificates,
  protocol: 'http1' | 'http2' | 'plain TLS',
  port: number,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const own = read(certificates.server);
  const respond = (_request: unknown, response: { end(body: string): unknown }): void => void response.end(protocol);
  const server: NetServer =
    protocol === 'http2'
      ? (createSecureServer({ ...own, allowHTTP1: false }, respond) as unknown as NetServer)
      : protocol === 'http1'
        ? createHttpsServer(own, respond)
        : createTlsServer(own, (socket) => answerPlainly(socket, protocol));
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  server.on('sessionError', () => {});
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  onTestFinished(stop);
  return { port: (server.address() as AddressInfo).port, stop };
}

function answerPlainly(socket: TLSSocket, body: string): void {
  socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${body}`));
}
