// Certificates made for a test and forgotten with it: a CA, a server's for localhost, a client's.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { requireProgram } from './requires.ts';

export interface Certificates {
  readonly caFile: string;
  readonly server: { readonly certFile: string; readonly keyFile: string };
  readonly client: { readonly certFile: string; readonly keyFile: string };
}

/** Makes them with openssl, in a folder that goes with the test that is running. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-certificates-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: readonly string[]): void => {
    execFileSync(requireProgram('openssl'), args, { cwd: folder, stdio: 'ignore' });
  };
  const key = (name: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    name,
  ];
  openssl('req', '-x509', ...key('ca.key'), '-out', 'ca.crt', '-days', '2', '-subj', '/CN=test CA');
  const issue = (name: string, extension: string) => {
    writeFileSync(join(folder, `${name}.ext`), extension);
    openssl('req', ...key(`${name}.key`), '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.crt`);
    return { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  };
  return {
    caFile: join(folder, 'ca.crt'),
    server: issue('server', 'subjectAltName=DNS:localhost,IP:127.0.0.1\n'),
    client: issue('client', 'extendedKeyUsage=clientAuth\n'),
  };
}
