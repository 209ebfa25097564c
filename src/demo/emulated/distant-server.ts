// A real HTTP server on loopback whose every connection is a network distance away.

import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import type { Rng } from '../../core/rng.ts';
import { DistantSocket, type Link } from './link.ts';
import { listenOnLoopback } from './loopback.ts';

export interface DistantServerOptions {
  readonly link: Link;
  readonly rng: Rng;
  readonly handler: RequestListener;
  /** Loopback port; any free one when absent. */
  readonly port?: number;
}

export class DistantServer {
  readonly port: number;
  readonly #tcp: TcpServer;
  readonly #connections: Set<DistantSocket>;

  private constructor(port: number, tcp: TcpServer, connections: Set<DistantSocket>) {
    this.port = port;
    this.#tcp = tcp;
    this.#connections = connections;
  }

  /** Throws a `CommandError` when a wanted port is taken. */
  static async start({ link, rng, handler, port = 0 }: DistantServerOptions): Promise<DistantServer> {
    const http: Server = createServer(handler);
    const connections = new Set<DistantSocket>();
    const tcp = createTcpServer({ allowHalfOpen: true }, (socket) => {
      const connection = new DistantSocket(socket, link, rng);
      connections.add(connection);
      connection.on('close', () => connections.delete(connection));
      // A peer that resets its connection is no event here; what waits for an answer sees it.
      connection.on('error', () => {});
      http.emit('connection', connection);
    });
    return new DistantServer(await listenOnLoopback(tcp, port), tcp, connections);
  }

  /** Stops as a killed process does: connections are reset, the port refuses from now on. */
  async crash(): Promise<void> {
    await this.#end((connection) => connection.reset());
  }

  /** Stops listening and ends every connection. */
  async close(): Promise<void> {
    await this.#end((connection) => connection.destroy());
  }

  async #end(endConnection: (connection: DistantSocket) => void): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#tcp.close(() => resolve());
    });
    for (const connection of this.#connections) endConnection(connection);
    await closed;
  }
}
