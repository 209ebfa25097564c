// An instance of a fleet that is not well: most of what it is asked it answers, and the rest it answers wrongly, slowly, in part
// or not at all. It speaks HTTP/1.1 and WebSocket.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket as WebSocketEnd, WebSocketServer } from 'ws';

export interface FaultyInstance {
  readonly port: number;
  stop(): Promise<void>;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const BODY = Buffer.alloc(64 * 1024, 'x');

/** What is left to chance, and how often of a hundred. */
const FAULTS: readonly (readonly [number, Answer])[] = [
  [2, () => {}],
  [3, (request) => (request.socket as Socket).resetAndDestroy()],
  [5, (_request, response) => response.writeHead(503, { 'retry-after': '1' }).end('no')],
  [
    2,
    (_request, response) => response.writeHead(200, { 'content-length': 1000 }).write('half', () => response.destroy()),
  ],
  [3, (request) => request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n')],
  [5, (_request, response) => setTimeout(() => response.end('late'), 1500)],
];

export async function startFaultyInstance(): Promise<FaultyInstance> {
  const server = createServer((request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    faultOrAnswer()(request, response);
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket: WebSocketEnd) => {
    socket.on('error', () => {});
    socket.on('message', (data) => (Math.random() < 0.02 ? socket.terminate() : socket.send(data)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

function faultOrAnswer(): Answer {
  let at = Math.random() * 100;
  for (const [percent, fault] of FAULTS) {
    if (at < percent) return fault;
    at -= percent;
  }
  return answer;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  await once(request, 'close').catch(() => {});
  if (Math.random() < 0.1) response.writeEarlyHints({ link: '</a>; rel=preload' });
  response.end(BODY.subarray(0, Math.random() ** 4 * BODY.length));
}
