// A cable that can be pulled: a TCP relay on a port of its own that a test cuts and mends.

import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listening } from './listening.ts';

export interface TcpRelay {
  readonly port: number;
  /** Resets every connection and refuses new ones. */
  cut(): void;
  mend(): void;
  /** Passes nothing more on what is open, and says nothing about it; new connections are not concerned. */
  freeze(): void;
}

/**
 * Relays 127.0.0.1:`port` of its own to the port that `target` names; it ends with the test that is running. `onConnection`
 * gets the near end of each.
 */
export async function startRelay(
  target: number | (() => number),
  onConnection: (near: Socket) => void = () => {},
): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) {
      near.resetAndDestroy();
      return;
    }
    onConnection(near);
    const far = connect(typeof target === 'number' ? target : target(), '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  const port = await listening(server);
  const cut = (): void => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  const mend = (): void => {
    whole = true;
  };
  const freeze = (): void => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  return { port, cut, mend, freeze };
}
