// What a health check asks: a server whose answer the test decides.

import { createServer } from 'node:http';
import { onTestFinished } from 'vitest';
import { listening } from './listening.ts';

export interface HealthEndpoint {
  readonly port: number;
  /** Every answer from now on; 200 at first. */
  answerWith(status: number): void;
}

/** It ends with the test that is running. */
export async function startHealthEndpoint(): Promise<HealthEndpoint> {
  let status = 200;
  const server = createServer((_request, response) => response.writeHead(status).end());
  onTestFinished(() => void server.close());
  return {
    port: await listening(server),
    answerWith: (next) => {
      status = next;
    },
  };
}
