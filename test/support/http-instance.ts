// An instance of some service: a real server that answers every request, with 200 unless asked otherwise.

import { createServer } from 'node:http';
import { onTestFinished } from 'vitest';
import { listening } from './listening.ts';

export interface HttpInstance {
  readonly port: number;
  /** What an announcement says of it. */
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** Starts one on a port of its own; it ends with the test that is running. `status` is asked at each request. */
export async function startInstance(status: () => number = () => 200): Promise<HttpInstance> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status()).end('here');
  });
  const port = await listening(server);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  return { port, address: { host: '127.0.0.1', port }, close };
}
