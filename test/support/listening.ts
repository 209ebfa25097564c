// A port of the kernel's choice.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/** Listens on 127.0.0.1 and resolves with the port. */
export function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** A port that was free a moment ago, for a program that cannot be asked to choose one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  return port;
}
