// A broker that speaks MQTT 3.1.1 alone, and ends a session that is taken over without a word.

import { createServer } from 'node:net';
import { Aedes, type AedesOptions } from 'aedes';
import { onTestFinished } from 'vitest';
import { listening } from './listening.ts';

/** Its URL; it ends with the test that is running. */
export async function startOldBroker(options: AedesOptions = {}): Promise<string> {
  const aedes = await Aedes.createBroker(options);
  const server = createServer(aedes.handle);
  const port = await listening(server);
  onTestFinished(async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    server.close();
  });
  return `mqtt://127.0.0.1:${port}`;
}
