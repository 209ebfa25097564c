// One update at a time. The lock is a socket beside the program, where only its owner may make one, with a process behind
// it: the kernel lets go of it with the process, however that ends, and what is left of it then answers nothing.

import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from '../errors.ts';

/**
 * Several that find the same abandoned lock may replace it one after the other, and the last one has it: each asks after so long, ms,
 * who answers in its place.
 */
const CONTESTED_MS = 250;
/** One that has the path and says nothing for so long, ms, such as a process that is stopped, has it all the same. */
const SILENT_MS = 2_000;

/** Of a directory in which this user may write nothing. */
const FORBIDDEN: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS']);

/** @throws CommandError when another update of the same directory is under way, or where nothing may be written */
export async function lockUpdates(directory: string): Promise<{ release(): void }> {
  // Through the descriptor the path is short for any directory: a socket's may have 107 bytes (unix(7)).
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const path = `/proc/self/fd/${fd}/update.lock`;
  try {
    const id = randomUUID();
    const server = (await listen(path, id)) ?? (await replaceAbandoned(path, id));
    await delay(CONTESTED_MS);
    if (server === null || (await answerOf(path)) !== id) throw new CommandError('another update is under way');
    return {
      release() {
        server.close();
        closeSync(fd);
      },
    };
  } catch (error) {
    // A server that lost its place is not closed: that would remove what stands there now.
    closeSync(fd);
    if (!FORBIDDEN.has((error as NodeJS.ErrnoException).code)) throw error;
    throw new CommandError(`not allowed to write in ${directory}, where the program is: as root (sudo)?`, 1, error);
  }
}

/** Null when the path is taken. */
function listen(path: string, id: string): Promise<Server | null> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(id);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(path, () => resolve(server.unref()));
  });
}

async function replaceAbandoned(path: string, id: string): Promise<Server | null> {
  if ((await answerOf(path)) !== null) return null;
  rmSync(path, { force: true });
  return listen(path, id);
}

/** What the process says that has the path; null: there is none. */
function answerOf(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    let answer = '';
    let connected = false;
    const socket = connect(path).setEncoding('utf8');
    socket.once('connect', () => {
      connected = true;
    });
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('error', () => {});
    socket.setTimeout(SILENT_MS, () => socket.destroy());
    socket.once('close', () => resolve(connected ? answer : null));
  });
}
