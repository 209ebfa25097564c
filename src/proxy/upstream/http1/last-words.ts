// What an instance said before it closed with the rest of a request unread: its kernel resets the connection then, and the
// write that meets the reset fails before the answer was read. The answer still lies in our kernel (RFC 9112 section 9.6).

import { readSync } from 'node:fs';
import type { Socket } from 'node:net';

const CHUNK_BYTES = 64 * 1024;
/** An early answer is short; what is longer is cut off all the same. */
const CHUNKS_MAX = 16;

/** Sockets that carry one request after the other are prepared once. */
const prepared = new WeakSet<Socket>();

/** The handle of a socket; over TLS it takes what came from the network, and says what that means. */
interface Handle {
  readonly fd?: number;
  receive?(bytes: Buffer): void;
  onread?: (plain: ArrayBuffer | undefined) => void;
}

/** Reads what lies there into the listeners of a socket whose write just failed, before the socket is closed. */
export function hearLastWords(socket: Socket): void {
  if (prepared.has(socket)) return;
  prepared.add(socket);
  const destroy = socket._destroy.bind(socket);
  socket._destroy = (error, callback) => {
    // Node has no other way to read from a socket that it is about to close.
    const handle = (socket as unknown as { readonly _handle: Handle | null })._handle;
    if (error !== null && 'syscall' in error && error.syscall === 'write' && handle !== null) readRest(socket, handle);
    destroy(error, callback);
  };
}

function readRest(socket: Socket, handle: Handle): void {
  const { fd = -1 } = handle;
  if (fd < 0) return;
  const isTls = handle.receive !== undefined;
  // Node's own reader passes nothing on to a socket that is being closed.
  if (isTls) {
    handle.onread = (plain) => {
      if (plain !== undefined) socket.emit('data', Buffer.from(plain));
    };
  }
  try {
    for (let i = 0; i < CHUNKS_MAX; i++) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(fd, chunk);
      if (length === 0) return;
      const bytes = chunk.subarray(0, length);
      if (isTls) handle.receive?.(bytes);
      else socket.emit('data', bytes);
    }
  } catch {
    // Nothing more lies there.
  }
}
