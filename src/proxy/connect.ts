// Opens connections to instances, with a timeout that is kept to the millisecond.

import { connect as connectTcp, type Socket } from 'node:net';
import type { Instance } from '../core/domain.ts';

export interface ConnectOptions {
  readonly timeoutMs: number;
}

/** Idle upstream connections are probed by the kernel after this, so that a peer that vanished is noticed. */
const TCP_KEEP_ALIVE_MS = 30_000;

/** Calls back exactly once, with a connected socket or with why there is none. */
export function openConnection(
  instance: Pick<Instance, 'host' | 'port'>,
  options: ConnectOptions,
  done: (error: Error | null, socket: Socket | null) => void,
): Socket {
  const socket = connectTcp({
    host: instance.host,
    port: instance.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  });
  const timer = setTimeout(() => {
    const where = `${instance.host}:${instance.port}`;
    socket.destroy(Object.assign(new Error(`connect timeout to ${where}`), { code: 'ETIMEDOUT' }));
  }, options.timeoutMs);
  const onError = (error: Error): void => {
    clearTimeout(timer);
    done(error, null);
  };
  socket.once('error', onError);
  socket.once('connect', () => {
    clearTimeout(timer);
    socket.removeListener('error', onError);
    done(null, socket);
  });
  return socket;
}
