// Health checks against real servers of each kind.

import { readFileSync } from 'node:fs';
import { createServer as createHttp1Server, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import type { Server } from 'node:net';
import { Server as GrpcServer, status as GrpcStatus, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Endpoint } from '../../../src/net/endpoint.ts';
import { checkHealth, type HealthCheck } from '../../../src/net/health/health-check.ts';
import { clientTls } from '../../../src/net/tls.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { UNARY_BYTES } from '../../support/grpc-codec.ts';
import { listening } from '../../support/listening.ts';
import { deadPort, startRawInstance } from '../../support/proxy.ts';

/** Patience with an answer that does come, however busy the machine. */
const timeoutMs = 30_000;
const HTTP: HealthCheck = { kind: 'http', path: '/healthz', timeoutMs };
const KSERVE: HealthCheck = { kind: 'kserve', model: '', timeoutMs };
const GRPC: HealthCheck = { kind: 'grpc', service: '', timeoutMs };

function at(port: number, changes: Partial<Endpoint> = {}): Endpoint {
  return { scheme: 'http', host: '127.0.0.1', port, labels: {}, ...changes };
}

function check(endpoint: Endpoint, how: HealthCheck, caFile: string | null = null): ReturnType<typeof checkHealth> {
  return checkHealth(endpoint, how, clientTls(caFile));
}

async function served(server: { readonly close: () => unknown }): Promise<number> {
  onTestFinished(() => void server.close());
  return listening(server as unknown as Server);
}

const http1 = (listener: RequestListener): Promise<number> => served(createHttp1Server(listener));

describe('an HTTP check', () => {
  it.each([
    [200, null],
    [204, null],
    [302, null],
    [404, 'status 404'],
    [503, 'status 503'],
  ])('takes status %i for %s', async (status, failure) => {
    const port = await http1((_request, response) => response.writeHead(status).end());
    expect(await check(at(port), HTTP)).toBe(failure);
  });

  it('writes an address of IPv6 in brackets, and without its zone', async () => {
    const hosts: unknown[] = [];
    const server = createHttp1Server((request, response) => {
      hosts.push(request.headers.host);
      response.end();
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    const { port } = server.address() as { readonly port: number };
    expect(await check(at(port, { host: '::1' }), HTTP)).toBeNull();
    expect(await check(at(port, { host: '::1%lo' }), HTTP)).toBeNull();
    expect(hosts).toEqual([`[::1]:${port}`, `[::1]:${port}`]);
  });

  it('is answered by the head, with any body', async () => {
    const port = await http1((_request, response) => void response.write('and so on'));
    expect(await check(at(port), HTTP)).toBeNull();
  });

  it('asks an h2c instance in HTTP/2', async () => {
    const server = createHttp2Server((request, response) => {
      response.writeHead(request.url === '/healthz' && request.httpVersion === '2.0' ? 200 : 500).end();
    });
    expect(await check(at(await served(server), { scheme: 'h2c' }), HTTP)).toBeNull();
  });

  it('fails for an h2c instance that does not speak HTTP/2', async () => {
    const port = await http1((_request, response) => response.end());
    expect(await check(at(port, { scheme: 'h2c' }), HTTP)).not.toBeNull();
  });

  it.each([true, false])(
    'asks an https instance in what the handshake agreed on (HTTP/1.1: %s)',
    async (allowHTTP1) => {
      const { caFile, server: files } = makeCertificates();
      const options = { key: readFileSync(files.keyFile), cert: readFileSync(files.certFile), allowHTTP1 };
      const port = await served(createSecureServer(options, (_request, response) => response.writeHead(200).end()));
      const endpoint = at(port, { scheme: 'https', labels: { 'tls-name': 'localhost' } });
      expect(await check(endpoint, HTTP, caFile)).toBeNull();
      expect(await check(endpoint, HTTP)).toMatch(/certificate|issuer/);
    },
  );

  it('fails for an instance that hangs, in time', async () => {
    const port = await startRawInstance(() => {});
    expect(await check(at(port), { ...HTTP, timeoutMs: 50 })).toBe('no answer in time');
    expect(await check(at(port, { scheme: 'h2c' }), { ...HTTP, timeoutMs: 50 })).toBe('no answer in time');
  });

  it('puts up with some answers of 1xx, and leaves an instance that sends nothing else', async () => {
    const answers = (count: number) => 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(count);
    const few = await startRawInstance((socket) => {
      socket.once('data', () => socket.write(`${answers(20)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`));
    });
    expect(await check(at(few), HTTP)).toBeNull();
    const endless = await startRawInstance((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write(answers(100)));
    });
    expect(await check(at(endless), HTTP)).toBe('more than 32 answers of 1xx');
  });

  it('fails where nothing listens', async () => {
    expect(await check(at(await deadPort()), HTTP)).toMatch(/ECONNREFUSED/);
  });
});

describe('a check of KServe readiness', () => {
  it('asks for the server, or for a model', async () => {
    const paths: unknown[] = [];
    const port = await http1((request, response) => {
      paths.push(request.url);
      response.end('{"ready": true}');
    });
    expect(await check(at(port), KSERVE)).toBeNull();
    expect(await check(at(port), { ...KSERVE, model: 'yolo v8' })).toBeNull();
    expect(paths).toEqual(['/v2/health/ready', '/v2/models/yolo%20v8/ready']);
  });

  it('believes a 200 that says it is not ready', async () => {
    const port = await http1((_request, response) => response.end('{ "ready" : false }'));
    expect(await check(at(port), KSERVE)).toBe('not ready');
  });

  it('fails by status where there is no body', async () => {
    const port = await http1((_request, response) => response.writeHead(400).end());
    expect(await check(at(port), KSERVE)).toBe('status 400');
  });
});

/** The health service of gRPC: `answers` by the name that is asked for, each the bytes of its message or a status. */
async function startGrpcHealth(answers: Readonly<Record<string, Buffer | number>>, credentials: ServerCredentials) {
  const server = new GrpcServer();
  onTestFinished(() => server.forceShutdown());
  const Check = { path: '/grpc.health.v1.Health/Check', ...UNARY_BYTES };
  server.addService(
    { Check },
    {
      // The request: field 1, its length, its bytes; nothing at all for the empty name.
      Check: (call: { request: Buffer }, done: (error: object | null, reply?: Buffer) => void) => {
        const answer = answers[call.request.subarray(2).toString()] ?? GrpcStatus.NOT_FOUND;
        if (typeof answer === 'number') done({ code: answer, details: 'no such service' });
        else done(null, answer);
      },
    },
  );
  return new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
  });
}

const SERVING = Buffer.from([8, 1]);
const NOT_SERVING = Buffer.from([8, 2]);
const LONG_NAME = 'inference.'.repeat(20);

describe('a gRPC check', () => {
  const answers = { '': SERVING, busy: NOT_SERVING, vague: Buffer.alloc(0) };

  it.each([
    ['', null],
    ['busy', 'NOT_SERVING'],
    ['vague', 'UNKNOWN'],
    ['unknown', 'grpc 5 NOT_FOUND: no such service'],
  ])('of service "%s" says %s', async (service, failure) => {
    const port = await startGrpcHealth(answers, ServerCredentials.createInsecure());
    expect(await check(at(port, { scheme: 'h2c' }), { ...GRPC, service })).toBe(failure);
  });

  it('writes a name that takes more than a byte for its length', async () => {
    const seen: Buffer[] = [];
    const server = createHttp2Server((request, response) => {
      request.on('data', (chunk: Buffer) => seen.push(chunk));
      request.on('end', () => response.end());
    });
    const port = await served(server);
    await check(at(port, { scheme: 'h2c' }), { ...GRPC, service: LONG_NAME });
    expect([...Buffer.concat(seen).subarray(0, 8)]).toEqual([0, 0, 0, 0, 203, 10, 200, 1]);
  });

  it('travels over TLS', async () => {
    const { caFile, server } = makeCertificates();
    const pair = { private_key: readFileSync(server.keyFile), cert_chain: readFileSync(server.certFile) };
    const port = await startGrpcHealth(answers, ServerCredentials.createSsl(null, [pair]));
    const endpoint = at(port, { scheme: 'https', labels: { 'tls-name': 'localhost' } });
    expect(await check(endpoint, GRPC, caFile)).toBeNull();
    expect(await check(endpoint, { ...GRPC, service: 'busy' }, caFile)).toBe('NOT_SERVING');
  });

  it('fails for an instance without the health service', async () => {
    const server = new GrpcServer();
    onTestFinished(() => server.forceShutdown());
    const port = await new Promise<number>((resolve) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound));
    });
    expect(await check(at(port, { scheme: 'h2c' }), GRPC)).toMatch(/^grpc 12 UNIMPLEMENTED/);
  });
});
