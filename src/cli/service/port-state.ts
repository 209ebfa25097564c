// Is a port free, and if not, is it a qedge that holds it? Before a reload or an update the running one does.

import { request } from 'node:http';
import { createServer } from 'node:net';
import type { ListenAddress } from '../../config/config.ts';
import { notListening } from '../../errors.ts';

/** `reason`: why it cannot be bound. */
export type PortState = 'free' | 'held-by-qedge' | { readonly reason: string };

const ASK_TIMEOUT_MS = 1000;

/** Binds the port for a moment; a port that is taken is asked what it is. */
export async function portState(address: ListenAddress): Promise<PortState> {
  const error = await bindError(address);
  if (error === null) return 'free';
  const isHeld = error.code === 'EADDRINUSE' && (await answersAsQedge(address));
  return isHeld ? 'held-by-qedge' : { reason: notListening(error) };
}

function bindError(address: ListenAddress): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ ...address, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** `/-/ping` is what qedges ask each other on the proxy port, `/healthz` what the admin port answers. */
async function answersAsQedge(address: ListenAddress): Promise<boolean> {
  const [ping, health] = await Promise.all([statusOf(address, '/-/ping'), statusOf(address, '/healthz')]);
  return ping === 204 || health === 200;
}

function statusOf({ host, port }: ListenAddress, path: string): Promise<number | null> {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return new Promise((resolve) => {
    const asking = request({ host: reachable, port, path, agent: false, timeout: ASK_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode ?? null);
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(null));
    asking.end();
  });
}
