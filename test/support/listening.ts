// A port of the kernel's choice.

import type { AddressInfo, Server } from 'node:net';

/** Listens on 127.0.0.1 and resolves with the port. */
export function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
