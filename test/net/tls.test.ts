// Whose certificates are believed where the configuration names no CA: those of the system, wherever TLS to others is spoken.

import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { listening } from '../support/listening.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** In a process of its own, since the system's CAs are read once, where its environment says. */
const SCRIPT = `
import { openConnection } from '${ROOT}/src/net/connect.ts';
import { clientTls } from '${ROOT}/src/net/tls.ts';
import { createSender } from '${ROOT}/src/telemetry/traces/otlp-sender.ts';
import { BrokerConnection } from '${ROOT}/src/placement/broker/connection.ts';
const port = Number(process.argv[1]);
const trusted = (reason) => !/certificate|UNABLE_TO_VERIFY/.test(reason ?? '');
const endpoint = { scheme: 'https', host: 'localhost', port, labels: {} };
const options = { timeoutMs: 30_000, tls: clientTls(null), protocols: [], into: null };
const instance = await new Promise((done) => openConnection(endpoint, options, (error) => done(trusted(error?.message))));
const sender = { endpoint: 'https://localhost:' + port, headers: {}, timeoutMs: 30_000, compression: 'none', ca: null };
const collector = trusted((await createSender(sender).send('{}', AbortSignal.timeout(30_000))).reason);
const names = { caFile: null, certFile: null, keyFile: null, username: null, password: null, clientId: 'c' };
const config = { urls: ['mqtts://localhost:' + port], keepAliveMs: 15_000, ...names };
const broker = await new Promise((done) => {
  const log = { info() {}, warn: ({ reason }) => done(trusted(reason)) };
  new BrokerConnection({ config, willTopic: null, clock: { nowMs: () => 0 }, rng: { next: () => 0 }, log }).start();
});
console.log(JSON.stringify({ instance, collector, broker }));
process.exit();
`;

/** A server that hangs up after the handshake. */
async function startServer() {
  const { caFile, server } = makeCertificates();
  const secure = createServer({ cert: readFileSync(server.certFile), key: readFileSync(server.keyFile) }, (socket) =>
    socket.destroy(),
  );
  onTestFinished(() => void secure.close());
  return { caFile, port: await listening(secure) };
}

const ask = async (port: number, env: NodeJS.ProcessEnv): Promise<unknown> => {
  const args = ['--no-warnings', '--input-type=module', '-e', SCRIPT, String(port)];
  return JSON.parse((await promisify(execFile)(process.execPath, args, { env })).stdout);
};

describe('an instance, a collector and a broker without a CA of their own', () => {
  it("are believed by the CAs in the system's folder", async () => {
    const { caFile, port } = await startServer();
    const folder = mkdtempSync(join(tmpdir(), 'qedge-system-ca-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    copyFileSync(caFile, join(folder, 'site.crt'));
    expect(await ask(port, { SSL_CERT_DIR: folder })).toEqual({ instance: true, collector: true, broker: true });
  });

  it('are not believed where the system has other CAs', async () => {
    const { port } = await startServer();
    const env = { SSL_CERT_FILE: makeCertificates().caFile, SSL_CERT_DIR: '/nonexistent' };
    expect(await ask(port, env)).toEqual({ instance: false, collector: false, broker: false });
  });
});
