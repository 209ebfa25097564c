// Opens connections to endpoints, in TLS where their scheme says so, with one timeout for all of it that is kept to the
// millisecond.

import { connect as connectTcp, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { watchEnd } from './abrupt-end.ts';
import { addressBook } from './address-book.ts';
import { authorityOf, type Endpoint } from './endpoint.ts';
import { type Alpn, type ClientTls, startTls } from './tls.ts';

export interface ConnectOptions {
  readonly timeoutMs: number;
  readonly tls: ClientTls;
  /** What to offer in the handshake of TLS. */
  readonly protocols: readonly Alpn[];
  /** Null: the socket is read as a stream. Not with TLS. */
  readonly into: ReadInto | null;
}

/** Where to read to without a stream. `callback` false: no more until the socket is resumed. */
export interface ReadInto {
  readonly buffer: Uint8Array;
  readonly callback: (length: number, buffer: Uint8Array) => boolean;
}

/** Idle upstream connections are probed by the kernel after this, so that a peer that vanished is noticed. */
const TCP_KEEP_ALIVE_MS = 30_000;

/** Calls back exactly once, with a connected socket or with why there is none. */
export function openConnection(
  endpoint: Endpoint,
  options: ConnectOptions,
  done: (error: Error | null, socket: Socket | null) => void,
): void {
  const plain = connectTcp({
    host: endpoint.host,
    port: endpoint.port,
    lookup: addressBook.lookup,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    ...(options.into === null ? {} : { onread: options.into }),
  });
  const timer = setTimeout(() => {
    fail(Object.assign(new Error(`connect timeout to ${authorityOf(endpoint)}`), { code: 'ETIMEDOUT' }));
    plain.destroy();
  }, options.timeoutMs);
  let over = false;
  const fail = (error: Error): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    done(error, null);
  };
  const succeed = (socket: Socket): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    plain.removeListener('error', fail);
    socket.removeListener('error', fail);
    done(null, socket);
  };
  plain.once('error', fail);
  if (endpoint.scheme !== 'https') {
    plain.once('connect', () => succeed(plain));
    return;
  }
  plain.once('connect', () => {
    const secure: TLSSocket = startTls(plain, endpoint, options);
    watchEnd(secure);
    secure.once('error', (error) => {
      fail(error);
      plain.destroy();
    });
    secure.once('secureConnect', () => succeed(secure));
  });
}
