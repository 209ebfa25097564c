// The HTTP server of the admin port. It shares its event loop with the proxy, and answers before it knows which client asks: what a
// connection sends is read a little at a time, and its requests are answered one after another, so that no flood holds the loop.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { HeadChecks } from '../net/head-checks.ts';
import { gatherPieces } from '../net/piece-gatherer.ts';
import { PipelineQueue } from '../net/pipeline-queue.ts';
import { sliceReads } from '../net/sliced-reads.ts';

/** A head, and a whole request, come within this; heads are looked at every second. */
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;
const LOOK_MS = 1_000;
/** A client that takes nothing of its answer for this long, or asks for nothing, is cut off; an answer that has no end may be silent. */
const QUIET_MS = 30_000;

/** `quietMs`: how long a connection may be silent. */
export function createPacedServer(listener: RequestListener, quietMs = QUIET_MS): Server {
  const queues = new WeakMap<Socket, PipelineQueue>();
  const queueOf = (socket: Socket): PipelineQueue => {
    const queue = queues.get(socket) ?? new PipelineQueue(socket);
    queues.set(socket, queue);
    return queue;
  };
  const limits = { headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS };
  const server = createServer(limits, (request, response) => {
    gatherPieces(request);
    queueOf(request.socket).take(response, () => listener(request, response));
  });
  const checks = new HeadChecks(server, LOOK_MS);
  server.prependListener('connection', (socket) => checks.watch(socket));
  // Behind node's own listener, which gives the socket its parser.
  server.on('connection', (socket) => sliceReads(socket, []));
  server.timeout = quietMs;
  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0 || !queueOf(socket).busy) socket.destroy();
    else socket.setTimeout(quietMs);
  });
  return server;
}
