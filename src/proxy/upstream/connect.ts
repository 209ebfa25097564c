// Opens connections to instances, in TLS where their scheme says so, with one timeout for all of it that is kept to the
// millisecond.

import { connect as connectTcp, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Instance } from '../../core/domain.ts';
import { type Alpn, startTls, type UpstreamTls } from './tls.ts';

export interface ConnectOptions {
  readonly timeoutMs: number;
  readonly tls: UpstreamTls;
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
  instance: Pick<Instance, 'scheme' | 'host' | 'port' | 'labels'>,
  options: ConnectOptions,
  done: (error: Error | null, socket: Socket | null) => void,
): void {
  const plain = connectTcp({
    host: instance.host,
    port: instance.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    ...(options.into === null ? {} : { onread: options.into }),
  });
  const timer = setTimeout(() => {
    const where = `${instance.host}:${instance.port}`;
    fail(Object.assign(new Error(`connect timeout to ${where}`), { code: 'ETIMEDOUT' }));
    plain.destroy();
  }, options.timeoutMs);
  let settled = false;
  const fail = (error: Error): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    done(error, null);
  };
  const succeed = (socket: Socket): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    plain.removeListener('error', fail);
    socket.removeListener('error', fail);
    done(null, socket);
  };
  plain.once('error', fail);
  if (instance.scheme !== 'https') {
    plain.once('connect', () => succeed(plain));
    return;
  }
  plain.once('connect', () => {
    const secure: TLSSocket = startTls(plain, instance, options);
    secure.once('error', (error) => {
      fail(error);
      plain.destroy();
    });
    secure.once('secureConnect', () => succeed(secure));
  });
}
