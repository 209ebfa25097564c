// One update at a time. The lock is a socket in the abstract namespace: the kernel lets go of it with the process,
// however that ends, and it leaves no file.

import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { CommandError } from '../errors.ts';

/** @throws CommandError when another update of the same directory is under way */
export function lockUpdates(directory: string): Promise<{ release(): void }> {
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 32);
  const server: Server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new CommandError('another update is under way') : error);
    });
    server.listen(`\0qedge-update-${name}`, () => {
      server.unref();
      resolve({ release: () => void server.close() });
    });
  });
}
