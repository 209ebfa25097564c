// TLS towards instances: the CA to trust and the name to expect, and what the handshake agreed to speak.

import { readFileSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { ServiceConfig } from '../../config/config.ts';
import type { Instance } from '../../core/domain.ts';

/** Label of an instance whose certificate carries another name than its address. */
export const TLS_NAME_LABEL = 'tls-name';

export type Alpn = 'h2' | 'http/1.1';

export interface UpstreamTls {
  readonly context: SecureContext;
  readonly caFile: string | null;
}

/** Null for a service without https instances of its own CA: the system's CAs are good. Throws when the file cannot be read. */
export function upstreamTlsOf(config: ServiceConfig): UpstreamTls {
  const { caFile } = config;
  const context = createSecureContext(caFile === null ? {} : { ca: readFileSync(caFile) });
  return { context, caFile };
}

/** Starts TLS on a connected socket. `secureConnect` or `error` follows; a certificate that does not fit is an error. */
export function startTls(
  socket: Socket,
  instance: Pick<Instance, 'host' | 'labels'>,
  options: { readonly tls: UpstreamTls; readonly protocols: readonly Alpn[] },
): TLSSocket {
  const name = instance.labels[TLS_NAME_LABEL] ?? instance.host;
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
