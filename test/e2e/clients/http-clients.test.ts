// The examples of config/clients in shell and Python: frames, a stream, a call of gRPC; and what they do when they are asked to wait.
// requires: curl, python3-requests, python3-aiohttp, python3-grpcio

import { rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { frameOf, PYTHON, runClient } from '../../support/client-program.ts';
import { UNARY_BYTES } from '../../support/grpc-codec.ts';
import { listening } from '../../support/listening.ts';
import { startProxy } from '../../support/proxy.ts';

vi.setConfig({ testTimeout: 60_000 });

/** An instance that says what it was sent, as `/tokens` in pieces. */
async function startService(): Promise<{ readonly port: number; readonly clients: Set<unknown> }> {
  const clients = new Set<unknown>();
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    clients.add(request.headers['x-client-id']);
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    request.on('end', () => {
      if (request.url !== '/tokens') return response.end(`${bytes} bytes`);
      response.setHeader('content-type', 'application/x-ndjson');
      for (const token of ['{"token":"go"}', '{"token":"left"}']) response.write(`${token}\n`);
      return response.end();
    });
  });
  onTestFinished(() => void server.close().closeAllConnections());
  return { port: await listening(server), clients };
}

function frameFile(): string {
  const path = join(tmpdir(), `qedge-frame-${process.pid}.jpg`);
  onTestFinished(() => rmSync(path, { force: true }));
  writeFileSync(path, frameOf(5000));
  return path;
}

describe('the clients in shell and Python', () => {
  it('send frames, and show streams as they come', async () => {
    const { port, clients } = await startService();
    const { url } = await startProxy([{ name: 'pilotnet', ports: [port] }]);
    const curl = await runClient('sh', ['frame.sh', url, 'pilotnet', frameFile()]);
    expect(curl).toEqual({ status: 0, lines: ['5004 bytes'], complaints: '' });
    const frames = Buffer.concat([frameOf(100), frameOf(200), frameOf(300)]);
    const camera = await runClient(PYTHON, ['frames.py', url, 'pilotnet'], frames);
    expect(camera).toEqual({ status: 0, lines: ['200 104 bytes', '200 204 bytes', '200 304 bytes'], complaints: '' });
    const stream = await runClient(PYTHON, ['tokens.py', `${url}/tokens`, 'pilotnet', 'where to?']);
    expect(stream).toEqual({ status: 0, lines: ['{"token":"go"}', '{"token":"left"}'], complaints: '' });
    expect(clients).toEqual(new Set(['gate-1', 'car-7', 'kiosk-3']));
  });

  it('wait when they are asked to: a camera skips frames, the others come again', async () => {
    const { url } = await startProxy([{ name: 'pilotnet', ports: [] }]);
    const frames = Buffer.concat([frameOf(100), frameOf(200), frameOf(300)]);
    const [curl, camera, stream] = await Promise.all([
      runClient('sh', ['frame.sh', url, 'pilotnet', frameFile()]),
      runClient(PYTHON, ['frames.py', url, 'pilotnet'], frames),
      runClient(PYTHON, ['tokens.py', url, 'pilotnet', 'where to?']),
    ]);
    expect(camera.lines).toEqual(['503 no-instance', 'skipped', 'skipped']);
    expect(stream).toMatchObject({ status: 1, lines: Array(2).fill('503 no-instance') });
    expect(curl.status).toBe(22);
  });

  it('call by gRPC, with their timeout as the deadline', async () => {
    const metadata: unknown[] = [];
    const server = new Server();
    server.addService(
      { infer: { path: '/pilotnet.Pilotnet/Infer', ...UNARY_BYTES } },
      {
        infer: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
          metadata.push(...call.metadata.get('x-client-id'), Number.isFinite(Number(call.getDeadline())));
          done(null, Buffer.from(`saw ${call.request}`));
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    onTestFinished(() => server.forceShutdown());
    const proxy = await startProxy([
      { name: 'pilotnet', ports: [port], scheme: 'h2c' },
      { name: 'away', ports: [], scheme: 'h2c' },
    ]);
    const call = (service: string) =>
      runClient(PYTHON, ['infer_grpc.py', `127.0.0.1:${proxy.port}`, service, '/pilotnet.Pilotnet/Infer', 'a frame']);
    const [answered, refused] = await Promise.all([call('pilotnet'), call('away')]);
    expect(answered).toMatchObject({ status: 0, lines: ['saw a frame'] });
    expect(metadata).toEqual(['robot-2', true]);
    expect(refused.status).toBe(1);
    expect(refused.lines.map((line) => line.split(' ')[0])).toEqual(Array(2).fill('UNAVAILABLE'));
  });
});
