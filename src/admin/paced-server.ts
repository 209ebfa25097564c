// The HTTP server of the admin port. It shares its event loop with the proxy, and answers before it knows who asks: what a
// connection sends is read a little at a time, and its requests are answered one after another, so that no flood holds the loop.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { gatherPieces } from '../net/piece-gatherer.ts';
import { PipelineQueue } from '../net/pipeline-queue.ts';
import { sliceReads } from '../net/sliced-reads.ts';

export function createPacedServer(listener: RequestListener): Server {
  const queues = new WeakMap<Socket, PipelineQueue>();
  const queueOf = (socket: Socket): PipelineQueue => {
    const queue = queues.get(socket) ?? new PipelineQueue(socket);
    queues.set(socket, queue);
    return queue;
  };
  const server = createServer((request, response) => {
    gatherPieces(request);
    queueOf(request.socket).take(response, () => listener(request, response));
  });
  // Behind node's own listener, which gives the socket its parser.
  server.on('connection', (socket) => sliceReads(socket, null));
  return server;
}
