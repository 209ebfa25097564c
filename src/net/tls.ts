// TLS as a client: the CA to trust and the name to expect, and what the handshake agreed to speak.

import { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type SecureContextOptions,
  setDefaultCACertificates,
  type TLSSocket,
} from 'node:tls';
import { readNamedFile } from '../readable-file.ts';
import type { Endpoint } from './endpoint.ts';
import { limitKeyUpdates } from './key-updates.ts';

/** Label of an endpoint whose certificate carries another name than its address. */
export const TLS_NAME_LABEL = 'tls-name';

/** Protocols that are offered in a handshake of TLS (RFC 7301). */
export type Alpn = 'h2' | 'http/1.1';

/** What a client needs for a handshake: the authorities that it trusts. */
export interface ClientTls {
  readonly context: SecureContext;
  readonly caFile: string | null;
}

/** `caFile` null: the system's CAs are trusted. Throws when the file cannot be read, or holds no certificate. */
export function clientTls(caFile: string | null): ClientTls {
  return caFile === null ? SYSTEM : { context: bounded({ ca: readCertificates(caFile) }), caFile };
}

function bounded(options: SecureContextOptions): SecureContext {
  const context = createSecureContext(options);
  limitKeyUpdates(context);
  return context;
}

let systemIsTrusted = false;
let systemContext: SecureContext | null = null;

/**
 * From here on, what names no CA in this thread trusts the system's, and those that Node brings along only where the system
 * has none. Reading them takes some 50 ms, once: only what is about to speak TLS calls this.
 */
export function trustSystem(): void {
  if (systemIsTrusted) return;
  systemIsTrusted = true;
  const certificates = new Set(getCACertificates('system'));
  if (certificates.size > 0) setDefaultCACertificates([...certificates]);
}

const SYSTEM: ClientTls = {
  caFile: null,
  get context() {
    trustSystem();
    systemContext ??= bounded({});
    return systemContext;
  },
};

/**
 * The certificates of a PEM file. OpenSSL passes over what it cannot read, and a file without any certificate would then
 * be a CA that trusts no certificate.
 *
 * @throws Error when the file cannot be read, holds none, or one that is broken
 */
export function readCertificates(file: string): Buffer {
  const content = readNamedFile(file);
  const text = content.toString('latin1');
  const begun = text.match(/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/g)?.length ?? 0;
  if (begun === 0) throw new Error('holds no certificate');
  const whole = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const trusted = text.match(
    /-----BEGIN (?:X509|TRUSTED) CERTIFICATE-----[^-]*-----END (?:X509|TRUSTED) CERTIFICATE-----/g,
  );
  if (whole.length + (trusted?.length ?? 0) < begun) throw new Error('a certificate in it is broken off');
  for (const certificate of whole) new X509Certificate(certificate);
  return content;
}

/** Starts TLS on a connected socket. `secureConnect` or `error` follows; a certificate that does not fit is an error. */
export function startTls(
  socket: Socket,
  endpoint: Pick<Endpoint, 'host' | 'labels'>,
  options: { readonly tls: ClientTls; readonly protocols: readonly Alpn[] },
): TLSSocket {
  // Certificates name hosts without the dot of the root.
  const name = endpoint.labels[TLS_NAME_LABEL] ?? endpoint.host.replace(/\.$/, '');
  return connectTls({
    socket,
    secureContext: options.tls.context,
    ALPNProtocols: [...options.protocols],
    host: name,
    // RFC 6066 section 3: an address is no server name.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    rejectUnauthorized: true,
  });
}
