// TLS towards clients: certificate, key and, for mutual TLS, the CA of the clients, read from files that may be renewed
// while connections are open.

import { constants } from 'node:crypto';
import { createSecureContext, DEFAULT_CIPHERS, type Server, type TlsOptions } from 'node:tls';
import type { DownstreamTlsConfig } from '../../config/config.ts';
import { CommandError } from '../../errors.ts';
import { readCertificates } from '../../net/tls.ts';
import { readNamedFile } from '../../readable-file.ts';

export interface DownstreamTls
  extends Pick<
    TlsOptions,
    | 'cert'
    | 'key'
    | 'requestCert'
    | 'rejectUnauthorized'
    | 'ALPNProtocols'
    | 'minVersion'
    | 'sessionIdContext'
    | 'ciphers'
    | 'secureOptions'
  > {
  /** Authorities of the clients' certificates; absent where they need none. */
  readonly ca?: Buffer;
}

/** @throws CommandError that names the file which cannot be read or used */
export function readDownstreamTls({ certFile, keyFile, clientCaFile }: DownstreamTlsConfig): DownstreamTls {
  const cert = read('proxy.tls.cert', certFile);
  const key = read('proxy.tls.key', keyFile);
  const ca = clientCaFile === null ? null : read('proxy.tls.client_ca', clientCaFile, readCertificates);
  try {
    createSecureContext({ cert, key, ...(ca === null ? {} : { ca }) });
  } catch (error) {
    throw new CommandError(`proxy.tls: ${certFile} and ${keyFile}: ${(error as Error).message}`, 1, error);
  }
  return {
    cert,
    key,
    ...(ca === null ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    // Sessions are resumed in every event loop; by default each has a context of its own.
    sessionIdContext: 'qedge',
    ciphers: CIPHERS,
    // A client without instructions for AES asks for ChaCha20 first, and gets it.
    secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA,
  };
}

/** Sets the timeout for connections to come. `Server` reads it once, and keeps it in a field without a setter. */
export function setHandshakeTimeout(server: Server, timeoutMs: number): void {
  const field = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'handshake-timeout');
  if (field !== undefined) Reflect.set(server, field, timeoutMs);
}

const CHEAPEST = 'TLS_AES_128_GCM_SHA256';

/**
 * Node's, but for their order: a handshake of TLS 1.3 derives a dozen keys with the hash of its cipher, and most processors have
 * instructions for SHA-256 and none for SHA-384.
 */
const CIPHERS = [CHEAPEST, ...DEFAULT_CIPHERS.split(':').filter((name) => name !== CHEAPEST)].join(':');

function read(path: string, file: string, reader: (file: string) => Buffer = readNamedFile): Buffer {
  try {
    return reader(file);
  } catch (error) {
    throw new CommandError(`${path}: ${file}: ${(error as Error).message}`, 1, error);
  }
}
