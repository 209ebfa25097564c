// What connecting takes is the way's, not the instance's: an instance that is asked seldom is judged as one asked often.
// requires: openssl

import { readFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { listening } from '../support/listening.ts';
import { startProxy, until } from '../support/proxy.ts';

const HANDSHAKE_MS = 400;

describe('connecting to an instance', () => {
  it.each([
    ['GET', undefined],
    ['POST', 'frame'],
  ])('is not charged to it: %s', async (method, body) => {
    const { server, caFile } = makeCertificates();
    const tls = { cert: readFileSync(server.certFile), key: readFileSync(server.keyFile) };
    const instance = createSecureServer(tls, (_request, response) => response.end('ok'));
    const gate = createServer({ pauseOnConnect: true }, (socket) => {
      setTimeout(() => instance.emit('connection', socket), HANDSHAKE_MS);
    });
    const ports = [await listening(gate)];
    const { url, observed } = await startProxy([{ name: 'pilotnet', ports, scheme: 'https', caFile }]);
    const began = performance.now();
    await (await fetch(url, { method, body: body ?? null, headers: { 'X-QEdge-Service': 'pilotnet' } })).text();
    expect(performance.now() - began).toBeGreaterThan(HANDSHAKE_MS);
    await until(() => observed.length === 1);
    expect(observed[0]?.result).toBe('answered');
    expect(observed[0]?.latencyMs).toBeLessThan(HANDSHAKE_MS / 2);
  });
});
