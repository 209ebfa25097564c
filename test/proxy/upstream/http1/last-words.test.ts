// An instance that refuses a large body at once and closes with the rest of it unread: its answer is passed on, with TLS as well.

import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../../../support/certificates.ts';
import { listening } from '../../../support/listening.ts';
import { startProxy } from '../../../support/proxy.ts';

const ANSWER = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much';
const TIMES = 5;

function refuse(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', () => {
    // Not a byte more is read: with data unread, to close means to reset.
    socket.pause();
    socket.end(ANSWER, () => socket.destroy());
  });
}

async function startRefusing(scheme: 'http' | 'https') {
  if (scheme === 'http') {
    const server = createServer(refuse);
    onTestFinished(() => void server.close());
    return { port: await listening(server), caFile: null };
  }
  const { caFile, server: files } = makeCertificates();
  const server = createTlsServer({ cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) }, refuse);
  server.on('tlsClientError', () => {});
  onTestFinished(() => void server.close());
  return { port: await listening(server), caFile };
}

describe('an early answer with a reset behind it', () => {
  it.each(['http', 'https'] as const)('is passed on from an instance that speaks %s', async (scheme) => {
    const { port, caFile } = await startRefusing(scheme);
    const { url, observed } = await startProxy([{ name: 'up', ports: [port], scheme, caFile }]);
    const answers: string[] = [];
    for (let i = 0; i < TIMES; i++) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'X-QEdge-Service': 'up' },
        body: Buffer.alloc(4 << 20),
      });
      answers.push(`${answer.status} ${answer.headers.get('x-qedge-error') ?? (await answer.text())}`);
    }
    expect(answers).toEqual(Array(TIMES).fill('413 too much'));
    expect(observed.map(({ result }) => result)).not.toContain('refused');
  });
});
