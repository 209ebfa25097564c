// Which connections a drain may close. One that is closed while its client is about to send fails that request, since the two
// cross on the wire (RFC 9112 section 9.5), and a client whose other connections go away, each with its last answer, is about to
// send on the ones that it had left idle. So none is closed as long as anything moves anywhere: idle ones cost nothing while
// a request holds up the end anyway, and whoever uses one closes it with the answer.

import type { Socket } from 'node:net';
import type { ClientConnection } from './client-connection.ts';

/** All is quiet when no byte moved for this long. A camera sends every 100 ms. */
export const QUIET_MS = 500;
/** A look counts for no longer: what came while this process was held up is read only after it. */
export const LOOK_MS_MAX = 100;

type OpenConnections = ReadonlyMap<Socket, ClientConnection>;

export class QuietSweep {
  readonly #quietMs: number;
  #connections = -1;
  #bytes = -1;
  #lookedMs = Number.POSITIVE_INFINITY;
  /** Since the last movement; the first look counts as one. */
  #stillMs = 0;

  constructor(quietMs = QUIET_MS) {
    this.#quietMs = quietMs;
  }

  /** Closes what is left once all of it is quiet. To be called every 50 ms or so, since only what it sees counts. */
  sweep(ports: readonly OpenConnections[], nowMs: number): void {
    this.#stillMs = this.#moved(ports) ? 0 : this.#stillMs + Math.min(nowMs - this.#lookedMs, LOOK_MS_MAX);
    this.#lookedMs = nowMs;
    if (this.#stillMs < this.#quietMs) return;
    for (const open of ports) {
      for (const [socket, connection] of open) if (!connection.endsItself) socket.destroy();
    }
  }

  /** Whether a request is under way, or a byte came or went since the last look. No connection joins those that drain. */
  #moved(ports: readonly OpenConnections[]): boolean {
    let busy = false;
    let connections = 0;
    let bytes = 0;
    for (const open of ports) {
      for (const [socket, connection] of open) {
        if (connection.endsItself) continue;
        busy ||= connection.busy;
        connections++;
        bytes += socket.bytesRead + socket.bytesWritten;
      }
    }
    const moved = busy || connections !== this.#connections || bytes !== this.#bytes;
    this.#connections = connections;
    this.#bytes = bytes;
    return moved;
  }
}
