// Which connections a port that drains may close: those on which nothing moves. One that is closed while its client is about to
// send fails that request, since the two cross on the wire (RFC 9112 section 9.5); and a client whose other connections go
// away now, each with its last answer, is about to send on the ones that it had left idle. So idle ones get their chance.

import type { Socket } from 'node:net';
import type { ClientConnection } from './client-connection.ts';

/** A connection is quiet when no byte moved for this long. A camera sends every 100 ms. */
export const QUIET_MS = 500;

interface Movement {
  bytes: number;
  /** When it was seen to have moved last; the first look counts as one. */
  atMs: number;
}

export class QuietSweep {
  readonly #movements = new WeakMap<Socket, Movement>();

  /** Closes what is quiet. To be called every 50 ms or so, since only what it sees counts. */
  sweep(connections: ReadonlyMap<Socket, ClientConnection>, nowMs: number): void {
    for (const [socket, connection] of connections) {
      if (connection.endsItself || !this.#isQuiet(socket, connection.busy, nowMs)) continue;
      socket.destroy();
    }
  }

  #isQuiet(socket: Socket, busy: boolean, nowMs: number): boolean {
    const bytes = socket.bytesRead + socket.bytesWritten;
    const movement = this.#movements.get(socket);
    if (movement === undefined) {
      this.#movements.set(socket, { bytes, atMs: nowMs });
      return false;
    }
    if (busy || movement.bytes !== bytes) {
      movement.bytes = bytes;
      movement.atMs = nowMs;
    }
    return nowMs - movement.atMs >= QUIET_MS;
  }
}
