// Which connections a drain may close. One that is closed while its client is about to send fails that request, since the two
// cross on the wire (RFC 9112 section 9.5), and a client whose other connections go away, each with its last answer, is about to
// send on the ones that it had left idle. So none is closed as long as anything moves anywhere: idle ones cost nothing while
// a request holds up the end anyway, and the client that uses one closes it with the answer.

import type { Socket } from 'node:net';
import type { ClientConnection } from './client-connection.ts';

/** All is quiet when no byte moved for this long. A camera sends every 100 ms. */
export const QUIET_MS = 500;
/** A look counts for no longer: what came while this process was held up is read only after it. */
const LOOK_MS_MAX = 100;

type OpenConnections = ReadonlyMap<Socket, ClientConnection>;

interface Stillness {
  bytes: number;
  /** How long nothing moved, ms. */
  stillMs: number;
}

export class QuietSweep {
  readonly #quietMs: number;
  readonly #stillness = new WeakMap<Socket, Stillness>();
  #connections = -1;
  #lookedMs = Number.POSITIVE_INFINITY;
  /** Time since the last movement anywhere, ms; the first look counts as one. */
  #stillMs = 0;

  constructor(quietMs = QUIET_MS) {
    this.#quietMs = quietMs;
  }

  /** Closes what is left once all of it is quiet. To be called every 50 ms or so, since only what it sees counts. */
  sweep(ports: readonly OpenConnections[], nowMs: number): void {
    this.#look(ports, Math.min(nowMs - this.#lookedMs, LOOK_MS_MAX));
    this.#lookedMs = nowMs;
    if (this.#stillMs >= this.#quietMs) this.closeQuiet(ports);
  }

  /** Closes those that are quiet, independent of the others: before the end of a drain that something else holds up. */
  closeQuiet(ports: readonly OpenConnections[]): void {
    for (const open of ports) {
      for (const [socket, { endsItself }] of open) {
        const { stillMs } = this.#stillness.get(socket) ?? { stillMs: 0 };
        if (!endsItself && stillMs >= this.#quietMs) socket.destroy();
      }
    }
  }

  /** A connection that ended is a movement as well. None joins those that drain. */
  #look(ports: readonly OpenConnections[], passedMs: number): void {
    let connections = 0;
    let leastMs = this.#stillMs + passedMs;
    for (const open of ports) {
      for (const [socket, connection] of open) {
        if (connection.endsItself) continue;
        connections++;
        const busy = connection.busy || socket.writableLength > 0;
        leastMs = Math.min(leastMs, this.#still(socket, busy, passedMs));
      }
    }
    this.#stillMs = connections === this.#connections ? leastMs : 0;
    this.#connections = connections;
  }

  /** Returns how long nothing moved on a socket, ms. A request under way moves, as does an answer being taken. */
  #still(socket: Socket, busy: boolean, passedMs: number): number {
    const bytes = socket.bytesRead + socket.bytesWritten;
    const known = this.#stillness.get(socket);
    if (known === undefined) {
      this.#stillness.set(socket, { bytes, stillMs: 0 });
      return 0;
    }
    known.stillMs = busy || bytes !== known.bytes ? 0 : known.stillMs + passedMs;
    known.bytes = bytes;
    return known.stillMs;
  }
}
