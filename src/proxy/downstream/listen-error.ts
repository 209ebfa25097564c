// Ports that cannot be had: said by their name in the configuration, before they are relied on.

import { createServer } from 'node:net';
import type { ListenAddress } from '../../config/config.ts';
import { CommandError, notListening } from '../../errors.ts';

/**
 * Ports that event loops share could be shared with another process as well, by mistake: found out by opening the port
 * for oneself first. Throws `CommandError` when it is taken.
 */
export function assertPortFree(name: string, address: ListenAddress): Promise<void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(name, address, error)));
    server.listen({ host: address.host, port: address.port }, () => server.close(() => resolve()));
  });
}

/** Says which port of the configuration cannot be had, and why. */
export function listenError(name: string, { host, port }: ListenAddress, error: NodeJS.ErrnoException): CommandError {
  return new CommandError(`${name}.listen: ${host}:${port}: ${notListening(error)}`, 1, error);
}
