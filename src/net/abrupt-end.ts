// How a connection of TLS ended: with TLS's own goodbye (close_notify), or only with that of TCP, which any machine on the way can
// forge. What ends with its connection is whole only in the first case (RFC 9112 section 9.8).
//
// Node says `end` for both. But the one is read from bytes that came, while libuv still reads, and behind the other libuv has
// stopped: asked to read at the moment of the end, it says that it does already, or begins again.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

interface Handle {
  /** What Node asked of libuv. */
  readonly reading?: boolean;
  /** The handle of TCP below that of TLS. */
  readonly _parent?: { readStart?(): number; readStop?(): number };
}

const abrupt = new WeakSet<Socket>();

/** To be called once for a connection of TLS, before anything else takes hold of its `push`. */
export function watchEnd(socket: TLSSocket): void {
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk === null && isEndOfTcp(socket)) abrupt.add(socket);
    return push(chunk, encoding);
  };
}

/** Always false for a connection without TLS. */
export function endedAbruptly(socket: Socket): boolean {
  return abrupt.has(socket);
}

function isEndOfTcp(socket: TLSSocket): boolean {
  const handle = (socket as unknown as { readonly _handle: Handle | null })._handle;
  // TCP cannot end while it is not read from.
  if (handle?.reading !== true || handle._parent?.readStart?.() !== 0) return false;
  handle._parent.readStop?.();
  return true;
}
