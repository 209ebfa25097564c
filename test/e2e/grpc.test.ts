// gRPC with its own client and server on either side: unary and streaming calls, status in trailers, cancellation.

import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import {
  credentials,
  Metadata,
  makeClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listening } from '../support/listening.ts';
import { textOf } from '../support/metrics.ts';
import { startProxy, type TestProxy, until } from '../support/proxy.ts';

const codec = {
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};

const ECHO = {
  unary: { path: '/test.Echo/Unary', requestStream: false, responseStream: false, ...codec },
  fail: { path: '/test.Echo/Fail', requestStream: false, responseStream: false, ...codec },
  collect: { path: '/test.Echo/Collect', requestStream: true, responseStream: false, ...codec },
  count: { path: '/test.Echo/Count', requestStream: false, responseStream: true, ...codec },
  chat: { path: '/test.Echo/Chat', requestStream: true, responseStream: true, ...codec },
} satisfies ServiceDefinition;

async function startEcho(cancelled: () => void = () => {}): Promise<number> {
  const server = new Server();
  server.addService(ECHO, {
    unary: (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => {
      const trailer = new Metadata();
      trailer.set('x-from', String(call.metadata.get('x-who')[0]));
      done(null, `echo ${call.request}`, trailer);
    },
    fail: (_call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) =>
      done({ code: status.FAILED_PRECONDITION, details: 'not today' }),
    collect: (call: ServerReadableStream<string, string>, done: sendUnaryData<string>) => {
      const parts: string[] = [];
      call.on('data', (part: string) => parts.push(part));
      call.on('end', () => done(null, parts.join('+')));
    },
    count: (call: ServerWritableStream<string, string>) => {
      for (let i = 1; i <= Number(call.request); i++) call.write(String(i));
      call.end();
    },
    chat: (call: ServerDuplexStream<string, string>) => {
      call.on('data', (part: string) => call.write(`you said ${part}`));
      call.on('end', () => call.end());
      call.on('cancelled', cancelled);
    },
  });
  onTestFinished(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** Answers every call with this status. */
async function startCode(code: status): Promise<number> {
  const server = new Server();
  const refuse = (_call: unknown, done: sendUnaryData<string>): void => done({ code, details: 'no' });
  server.addService({ unary: ECHO.unary, fail: ECHO.fail }, { unary: refuse, fail: refuse });
  onTestFinished(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

function clientOf(proxy: TestProxy) {
  const Client = makeClientConstructor(ECHO, 'Echo');
  const client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

function metadata(): Metadata {
  const fields = new Metadata();
  fields.set('x-qedge-service', 'echo');
  fields.set('x-who', 'cam-1');
  return fields;
}

describe('gRPC', () => {
  it('unary calls pass with their metadata and trailers', async () => {
    const proxy = await startProxy([{ name: 'echo', ports: [await startEcho()], scheme: 'h2c' }]);
    const trailers = Promise.withResolvers<Metadata>();
    const answer = await new Promise((resolve, reject) => {
      const call = clientOf(proxy).unary?.('hello', metadata(), (error: ServiceError | null, text: string) =>
        error === null ? resolve(text) : reject(error),
      );
      call?.on('status', (end: { metadata: Metadata }) => trailers.resolve(end.metadata));
    });
    expect(answer).toBe('echo hello');
    expect((await trailers.promise).get('x-from')).toEqual(['cam-1']);
    expect(proxy.observed.map(({ result }) => result)).toEqual(['answered']);
  });

  it('a status other than OK arrives as it was given', async () => {
    const proxy = await startProxy([{ name: 'echo', ports: [await startEcho()], scheme: 'h2c' }]);
    const error = await new Promise<ServiceError | null>((resolve) => {
      clientOf(proxy).fail?.('x', metadata(), (failure: ServiceError | null) => resolve(failure));
    });
    expect([error?.code, error?.details]).toEqual([status.FAILED_PRECONDITION, 'not today']);
  });

  it('an answer of the proxy itself is an error of the call', async () => {
    const proxy = await startProxy([{ name: 'echo', ports: [], scheme: 'h2c' }]);
    const error = await new Promise<ServiceError | null>((resolve) => {
      clientOf(proxy).unary?.('x', metadata(), (failure: ServiceError | null) => resolve(failure));
    });
    expect(error?.code).toBe(status.UNAVAILABLE);
  });

  it.each([
    ['no instance', { name: 'echo', ports: [] }, 'echo', status.UNAVAILABLE, /no instance/],
    ['an unknown service', { name: 'other', ports: [] }, 'echo', status.UNIMPLEMENTED, /no service/],
    [
      'a full service',
      { name: 'echo', ports: [1], limits: { inFlightMax: 0 } },
      'echo',
      status.UNAVAILABLE,
      /in flight/,
    ],
  ])('%s is answered with a status and a message of gRPC', async (_, service, asked, code, message) => {
    const proxy = await startProxy([{ ...service, scheme: 'h2c' }]);
    const fields = metadata();
    fields.set('x-qedge-service', asked);
    const error = await new Promise<ServiceError | null>((resolve) => {
      clientOf(proxy).unary?.('x', fields, (failure: ServiceError | null) => resolve(failure));
    });
    expect(error?.code).toBe(code);
    expect(error?.details).toMatch(message);
  });

  it('a deadline of the call ends the attempt, and the instance receives what is left of it', async () => {
    const seen: string[] = [];
    const server = createHttp2Server();
    // A deadline says nothing of an instance before it has answered once.
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      if (headers['grpc-timeout'] !== undefined) {
        seen.push(String(headers['grpc-timeout']));
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 1, 120]));
    });
    const port = await listening(server);
    const proxy = await startProxy([{ name: 'echo', ports: [port], scheme: 'h2c' }]);
    const session = connectHttp2(proxy.url);
    onTestFinished(() => {
      session.destroy();
      server.close();
    });
    const unary = {
      ':method': 'POST',
      ':path': '/test.Echo/Unary',
      ':authority': 'echo',
      'content-type': 'application/grpc',
    };
    const first = session.request(unary);
    first.end();
    await once(first.resume(), 'end');
    const call = session.request({ ...unary, 'grpc-timeout': '200m' });
    call.end();
    const [headers] = (await once(call, 'response')) as [Record<string, string>];
    expect(headers).toMatchObject({
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': '4',
      'grpc-message': 'the deadline passed before an answer',
    });
    expect(seen[0]).toMatch(/^1?\d?\dm$|^200m$/);
    expect(proxy.observed.map(({ result }) => result)).toEqual(['answered', 'timeout']);
    expect(textOf(proxy.metrics)).toContain('qedge_grpc_calls_total{service="echo",rpc_grpc_status_code="4"} 1');
  });

  it('a call that the instance refuses is a failure of it and a miss of its client', async () => {
    const port = await startCode(status.UNAVAILABLE);
    const proxy = await startProxy([{ name: 'echo', ports: [port], scheme: 'h2c' }]);
    const error = await new Promise<ServiceError | null>((resolve) => {
      clientOf(proxy).fail?.('x', metadata(), (failure: ServiceError | null) => resolve(failure));
    });
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(proxy.observed.map(({ result }) => result)).toEqual(['failed']);
    expect(proxy.accounts.map(({ success }) => success)).toEqual([false]);
    expect(textOf(proxy.metrics)).toContain('qedge_grpc_calls_total{service="echo",rpc_grpc_status_code="14"} 1');
  });

  it('a stream is in the books with its first message, and is left in peace', async () => {
    const proxy = await startProxy([{ name: 'echo', ports: [await startEcho()], scheme: 'h2c', timeoutMs: 300 }]);
    const call = clientOf(proxy).chat?.(metadata());
    const next = () => new Promise((resolve) => call?.once('data', resolve));
    let answer = next();
    call?.write('one');
    await answer;
    await until(() => proxy.accounts.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 600));
    answer = next();
    call?.write('two');
    expect(await answer).toBe('you said two');
    call?.on('error', () => {});
    call?.cancel();
    await until(() => proxy.proxy.stats().inFlight === 0);
    expect(proxy.observed.map(({ result }) => result)).toEqual(['answered']);
    expect(proxy.accounts.map(({ success }) => success)).toEqual([true]);
  });

  it('streams pass in either direction', async () => {
    const proxy = await startProxy([{ name: 'echo', ports: [await startEcho()], scheme: 'h2c' }]);
    const client = clientOf(proxy);
    const collected = new Promise((resolve, reject) => {
      const call = client.collect?.(metadata(), (error: ServiceError | null, text: string) =>
        error === null ? resolve(text) : reject(error),
      );
      for (const part of ['a', 'b', 'c']) call?.write(part);
      call?.end();
    });
    expect(await collected).toBe('a+b+c');
    const numbers: string[] = [];
    for await (const part of client.count?.('500', metadata()) ?? []) numbers.push(part as string);
    expect(numbers).toEqual(Array.from({ length: 500 }, (_, i) => String(i + 1)));
  });

  it('both sides talk at once, each message as it comes', async () => {
    const proxy = await startProxy([{ name: 'echo', ports: [await startEcho()], scheme: 'h2c' }]);
    const call = clientOf(proxy).chat?.(metadata());
    const next = () => new Promise((resolve) => call?.once('data', resolve));
    for (const part of ['one', 'two', 'three']) {
      const answer = next();
      call?.write(part);
      expect(await answer).toBe(`you said ${part}`);
    }
    const ended = new Promise((resolve) => call?.on('end', resolve));
    call?.end();
    await ended;
  });

  it('a call that its client cancels is cancelled at the instance', async () => {
    const cancelled = Promise.withResolvers<void>();
    const proxy = await startProxy([{ name: 'echo', ports: [await startEcho(cancelled.resolve)], scheme: 'h2c' }]);
    const call = clientOf(proxy).chat?.(metadata());
    call?.on('error', () => {});
    const answer = new Promise((resolve) => call?.once('data', resolve));
    call?.write('hello');
    await answer;
    call?.cancel();
    await cancelled.promise;
  });
});
