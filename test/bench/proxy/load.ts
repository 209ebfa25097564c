// The loads: as fast as it goes over kept connections (wrk), WebSocket echoes, and an open loop that does not wait for slow
// answers before it asks again.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { promisify } from 'node:util';
import WebSocket from 'ws';

const CONNECTIONS = 16;
/** nginx answers a call in some 10,000 with 502 where the instance answers before it has read the whole of it. */
const FAILED_MAX = 0.001;

export interface LoadOptions {
  readonly core: number;
  readonly seconds: number;
  readonly folder: string;
  /** 0, the default, sends GETs. */
  readonly postBytes?: number;
  readonly tls?: boolean;
}

/** Requests answered in `seconds`. Throws when some were not answered well. */
export async function wrk(port: number, options: LoadOptions): Promise<number> {
  const { core, seconds, folder, postBytes = 0, tls = false } = options;
  const script = join(folder, `load-${postBytes}.lua`);
  writeFileSync(
    script,
    `wrk.headers["X-QEdge-Service"] = "bench"\n${
      postBytes > 0
        ? `wrk.method = "POST"\nwrk.headers["Content-Type"] = "image/jpeg"\nwrk.body = string.rep("x", ${postBytes})\n`
        : ''
    }`,
  );
  const { stdout } = await promisify(execFile)('taskset', [
    ...['-c', String(core), 'wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', script],
    `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`,
  ]);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: .*/.exec(stdout);
  if (requests === 0 || failed !== null) throw new Error(`port ${port}: ${failed?.[0] ?? stdout}`);
  return requests;
}

/**
 * Requests over TLS 1.3 that are answered in `seconds`, each on a connection of its own, 16 at a time. The client names the protocol and
 * the group, so that all contenders do the same: wrk resumes sessions where it can, and takes whichever protocol it is offered.
 */
export async function handshakes(port: number, { seconds }: LoadOptions, resumes: boolean): Promise<number> {
  const secureContext = createSecureContext({ minVersion: 'TLSv1.3', ecdhCurve: 'X25519' });
  const endMs = performance.now() + seconds * 1000;
  let session: Buffer | undefined;
  let answered = 0;
  const ask = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const offered = session;
      const socket = connectTls({
        host: '127.0.0.1',
        port,
        secureContext,
        rejectUnauthorized: false,
        ...(offered === undefined ? {} : { session: offered }),
      });
      let answer = '';
      socket.on('secureConnect', () => {
        if (offered !== undefined && !socket.isSessionReused()) reject(new Error(`port ${port}: not resumed`));
        socket.write('GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n');
      });
      if (resumes) socket.on('session', (next) => (session = next));
      socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
      socket.on('error', reject);
      socket.on('close', () => {
        if (!answer.startsWith('HTTP/1.1 200 ')) reject(new Error(`port ${port}: ${answer}`));
        answered++;
        resolve();
      });
    });
  const askOn = async (): Promise<void> => {
    while (performance.now() < endMs) await ask();
  };
  await ask();
  await Promise.all(Array.from({ length: CONNECTIONS }, askOn));
  return answered;
}

/** Requests of HTTP/2 that are answered in `seconds`: 4 connections of 16 streams. Throws when some were not answered well. */
export async function h2load(port: number, options: LoadOptions): Promise<number> {
  const { postBytes = 0, folder } = options;
  const body = join(folder, 'h2load-body');
  writeFileSync(body, 'x'.repeat(postBytes));
  return h2loadOf(port, options, [...(postBytes > 0 ? ['-d', body] : []), `http://127.0.0.1:${port}/`]);
}

/** Unary calls answered in `seconds`, 100 B each way: 4 connections of 16 streams. */
export async function grpcCalls(port: number, options: LoadOptions): Promise<number> {
  const body = join(options.folder, 'grpc-call');
  writeFileSync(body, Buffer.concat([Buffer.from([0, 0, 0, 0, 100]), Buffer.alloc(100, 1)]));
  const fields = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  return h2loadOf(port, options, [...fields, '-d', body, `http://127.0.0.1:${port}/call`]);
}

async function h2loadOf(port: number, { core, seconds }: LoadOptions, more: readonly string[]): Promise<number> {
  const { stdout } = await promisify(execFile)('taskset', [
    ...['-c', String(core), 'h2load', '-c4', '-m16', '-D', String(seconds), '-H', 'X-QEdge-Service: bench', ...more],
  ]);
  const [, requests = '0', failed = '0'] = /(\d+) succeeded, (\d+) failed/.exec(stdout) ?? [];
  if (Number(failed) >= Number(requests) * FAILED_MAX) throw new Error(`port ${port}: ${stdout}`);
  return Number(requests);
}

/** Messages echoed in `seconds`. */
export async function webSocketEcho(port: number, seconds: number, messageBytes: number): Promise<number> {
  const message = Buffer.alloc(messageBytes, 1);
  let echoed = 0;
  let over = false;
  const sockets = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
        headers: { 'X-QEdge-Service': 'bench' },
        perMessageDeflate: false,
      });
      await new Promise((resolve, reject) => {
        socket.once('open', resolve);
        socket.once('error', reject);
      });
      socket.on('message', () => {
        echoed++;
        if (!over) socket.send(message);
      });
      return socket;
    }),
  );
  for (const socket of sockets) socket.send(message);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  over = true;
  for (const socket of sockets) socket.terminate();
  return echoed;
}

export interface OpenLoopOptions {
  /** 0, the default, sends GETs. */
  readonly postBytes?: number;
  /** Names in `X-Client-Id`, in turn; by default none is sent. */
  readonly clients?: number;
}

/** Latencies in ms of requests sent at a fixed rate, no matter what comes back, in the order of their answers. */
export async function openLoop(
  port: number,
  ratePerSecond: number,
  seconds: number,
  { postBytes = 0, clients = 0 }: OpenLoopOptions = {},
): Promise<number[]> {
  const body = Buffer.alloc(postBytes, 'x');
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const latencies: number[] = [];
  const total = ratePerSecond * seconds;
  const startMs = performance.now();
  let sent = 0;
  const headers = (): Record<string, string | number> => ({
    'X-QEdge-Service': 'bench',
    ...(clients > 0 ? { 'X-Client-Id': `client-${sent % clients}` } : {}),
    ...(postBytes > 0 ? { 'Content-Type': 'image/jpeg', 'Content-Length': postBytes } : {}),
  });
  await new Promise<void>((resolve, reject) => {
    const send = (): void => {
      const sentMs = performance.now();
      const outgoing = request(
        { host: '127.0.0.1', port, path: '/', method: postBytes > 0 ? 'POST' : 'GET', agent, headers: headers() },
        (incoming) => {
          incoming.resume();
          incoming.on('end', () => {
            latencies.push(performance.now() - sentMs);
            if (latencies.length === total) resolve();
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    };
    const pace = (): void => {
      const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1000) * ratePerSecond));
      for (; sent < due; sent++) send();
      if (sent < total) setTimeout(pace, 1);
    };
    pace();
  });
  agent.destroy();
  return latencies;
}

/** `share` in [0, 1]; the list is not sorted yet. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
