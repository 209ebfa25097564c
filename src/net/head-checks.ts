// node:http looks for requests whose head or body is late at an interval, whether it has connections or not: a wake-up or two a second of
// an event loop that has nothing to do. Here it looks while it has some.

import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Node's longest timer: 25 days. */
const NEVER_MS = 2 ** 31 - 1;

/** When node's server for HTTP/1 looks for late requests. */
export class HeadChecks {
  readonly #server: Server;
  /** Node's own, which begins the interval again. */
  readonly #begin: () => void;
  readonly #intervalMs: number;
  readonly #sockets = new Set<Socket>();

  /** `server` does not listen yet. `intervalMs`: how often it looks while it has connections. */
  constructor(server: Server, intervalMs: number) {
    const [begin] = server.listeners('listening');
    if (begin === undefined) throw new Error('a server of node:http begins its checks when it listens');
    this.#server = server;
    this.#begin = begin as () => void;
    this.#intervalMs = intervalMs;
    server.removeAllListeners('listening');
    this.#setInterval(NEVER_MS);
  }

  /** From before node has the socket. */
  watch(socket: Socket): void {
    if (this.#sockets.size === 0) this.#look(this.#intervalMs);
    this.#sockets.add(socket);
    socket.once('close', () => this.forget(socket));
  }

  /** Node reads no more requests from it. */
  forget(socket: Socket): void {
    if (this.#sockets.delete(socket) && this.#sockets.size === 0) this.#look(NEVER_MS);
  }

  /** One that does not listen any more looks for nothing; a timer would keep it in memory. */
  #look(everyMs: number): void {
    if (this.#server.listening) this.#setInterval(everyMs);
  }

  #setInterval(ms: number): void {
    // Read when the interval begins, and missing in node's types.
    Object.assign(this.#server, { connectionsCheckingInterval: ms });
    this.#begin.call(this.#server);
  }
}
