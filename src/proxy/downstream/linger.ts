// The end of a connection whose client still sends. Closed at once, it would be reset, and the last answer lost with it
// (RFC 9112 section 9.6).

import type { Socket } from 'node:net';

/** How long a client may go on sending what is not read. */
const LINGER_MS = 2000;

/** What the client sends is only read once it has the answer, however slowly it takes it, and not for long. */
export function linger(socket: Socket): void {
  socket.pause();
  socket.end(() => {
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}
