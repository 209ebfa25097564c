// A client that updates its keys without end: what that costs is below JavaScript, in the executable alone.
// requires: binary-x64, openssl

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { builtExecutable } from '../support/executable.ts';
import { requireProgram } from '../support/requires.ts';
import { startQedge } from '../support/running-binary.ts';

it('a client that updates the keys of TLS again and again is cut off', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-key-updates-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { server } = makeCertificates();
  const config = `
[node]
id = "pi-7"
[admin]
listen = "127.0.0.1:0"
[proxy]
listen = "127.0.0.1:0"
tls = { cert = "${server.certFile}", key = "${server.keyFile}" }
[[service]]
name = "pilotnet"
qos.latency = "80ms"
instances = ["http://127.0.0.1:9"]
`;
  writeFileSync(join(folder, 'qedge.toml'), config);
  const qedge = await startQedge(builtExecutable('x64'), folder);
  const client = spawn(requireProgram('openssl'), ['s_client', '-connect', new URL(qedge.proxyUrl).host], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  onTestFinished(() => void client.kill());
  client.stdin.on('error', () => {});
  // Each read of its standard input that begins with K is one.
  client.stdin.write('K\n'.repeat(8 * 1024 * 1024));
  await once(client, 'exit');
  expect((await fetch(`${qedge.adminUrl}/healthz`)).status).toBe(200);
  expect(await qedge.stop()).toBe(0);
});
