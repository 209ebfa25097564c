// Listening on 127.0.0.1, with an error that a person can act on when the port is taken.

import type { AddressInfo, Server } from 'node:net';
import { CommandError, notListening } from '../../errors.ts';

/** Where all of the demo listens. */
export const LOOPBACK = '127.0.0.1';

/** Listens on loopback and returns the port (port 0: any free one). Throws a `CommandError` that names a taken port. */
export async function listenOnLoopback(server: Server, port: number, purpose = 'emulated service'): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, port, purpose)));
    server.listen(port, LOOPBACK, resolve);
  });
  return (server.address() as AddressInfo).port;
}

function explain(error: NodeJS.ErrnoException, port: number, purpose: string): Error {
  const place = `${purpose}: ${LOOPBACK}:${port}`;
  return new CommandError(`${place}: ${notListening(error)}`, 1, error);
}
