// One update at a time. The lock is a socket beside the program, where only its owner may make one, with a process behind
// it: the kernel lets go of it with the process, however that ends, and what is left of it then answers nothing.

import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { CommandError } from '../errors.ts';

/** @throws CommandError when another update of the same directory is under way */
export async function lockUpdates(directory: string): Promise<{ release(): void }> {
  // Through the descriptor the path is short for any directory: a socket's may have 107 bytes (unix(7)).
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const path = `/proc/self/fd/${fd}/update.lock`;
  try {
    const server = (await listen(path)) ?? (await replaceAbandoned(path));
    if (server === null) throw new CommandError('another update is under way');
    return {
      release() {
        server.close();
        closeSync(fd);
      },
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Null when the path is taken. */
function listen(path: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(path, () => resolve(server.unref()));
  });
}

async function replaceAbandoned(path: string): Promise<Server | null> {
  if (await answers(path)) return null;
  rmSync(path, { force: true });
  return listen(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
