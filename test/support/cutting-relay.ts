// A relay that passes on what comes in pieces of given lengths.

import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listening } from './listening.ts';

/** Lengths of pieces, in turn, of what clients say and of what they are answered; what is not named goes as it comes. */
export interface Cuts {
  readonly requests?: readonly number[];
  readonly answers?: readonly number[];
}

/** Relays to `port`. Returns its own. */
export async function startCuttingRelay(port: number, { requests = [], answers = [] }: Cuts): Promise<number> {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1').setNoDelay(true);
    near.setNoDelay(true);
    pass(near, far, requests);
    pass(far, near, answers);
  });
  onTestFinished(() => void server.close());
  return listening(server);
}

function pass(from: Socket, to: Socket, cuts: readonly number[]): void {
  let piece = 0;
  from.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      const length = cuts.length === 0 ? chunk.length : (cuts[piece++ % cuts.length] ?? 1);
      to.write(chunk.subarray(at, at + length));
      at += length;
    }
  });
  from.on('error', () => {});
  from.on('close', () => to.destroy());
}
