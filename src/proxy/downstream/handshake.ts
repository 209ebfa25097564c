// A request to switch protocols. Node lets go of its socket, and a response of our own serves for every answer but 101: what node
// does for the others, this does for it. The client caught up, fell silent, or is to see the end.

import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientUpgrade } from '../exchange/client/connection.ts';
import { linger } from './linger.ts';
import { ReadAhead } from './read-ahead.ts';

export interface HandshakeOptions {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What was read behind the head. */
  readonly first: Buffer;
  /** The socket was silent for as long as its timeout. */
  readonly onQuiet: () => void;
}

/** What an exchange answers it with, or takes the socket by. */
export function takeHandshake({ request, socket, first, onQuiet }: HandshakeOptions): {
  readonly response: ServerResponse;
  readonly upgrade: ClientUpgrade;
} {
  const response = new ServerResponse(request);
  const onDrain = (): void => {
    response.emit('drain');
  };
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // Paused: the client sends on, ahead of an answer that it did not get.
  response.on('finish', () => (socket.isPaused() ? linger(socket) : socket.destroySoon()));
  socket.on('drain', onDrain);
  socket.on('timeout', onQuiet);
  const ahead = new ReadAhead(socket, first);
  const detach = (): Buffer => {
    socket.removeListener('drain', onDrain);
    socket.removeListener('timeout', onQuiet);
    response.detachSocket(socket);
    return ahead.stop();
  };
  return { response, upgrade: { socket, detach } };
}
