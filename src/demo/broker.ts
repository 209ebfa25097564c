// The demo's MQTT broker: aedes on loopback, nothing kept on disk.

import { createServer, type Socket } from 'node:net';
import { aedes as aedesPackage } from '../packages.ts';
import { LOOPBACK, listenOnLoopback } from './emulated/loopback.ts';

export interface Broker {
  /** Such as `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a broker; port 0 is any free one. Throws a `CommandError` that names a taken port. */
export async function startBroker(port: number): Promise<Broker> {
  const aedes = await aedesPackage().Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  try {
    const openPort = await listenOnLoopback(server, port, 'broker');
    return { url: `mqtt://${LOOPBACK}:${openPort}`, close };
  } catch (error) {
    aedes.close();
    throw error;
  }

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await new Promise<void>((resolve) => {
      aedes.close(() => resolve());
    });
    for (const socket of sockets) socket.destroy();
    await closed;
  }
}
