// A broker that means no good: it accepts connections and answers each packet with the bytes that a test gives it.

import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listening } from './listening.ts';

/** CONNACK of MQTT 5: accepted, no session, no properties. */
export const CONNACK = Buffer.from([0x20, 3, 0, 0, 0]);

/** `onData`: the first bytes of a connection, then each further piece. Ends with the test that is running. */
export async function startHostileBroker(
  onData: (socket: Socket, piece: { readonly first: boolean; readonly bytes: Buffer }) => void,
): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let first = true;
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      const wasFirst = first;
      first = false;
      onData(socket, { first: wasFirst, bytes });
    });
  });
  const port = await listening(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `mqtt://127.0.0.1:${port}`;
}
