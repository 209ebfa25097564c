// What a collector answers to a batch, over real sockets.

import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSender } from '../../../src/telemetry/traces/otlp-sender.ts';
import { listening } from '../../support/listening.ts';

describe('an answer of a collector', () => {
  it('that does not end is read no further than it is needed', async () => {
    let bytes = 0;
    const server = createServer((_request, response) => {
      const piece = Buffer.alloc(65_536, 0x20);
      const more = (): void => {
        bytes += piece.length;
        if (!response.destroyed) response.write(piece, () => setImmediate(more));
      };
      more();
    });
    onTestFinished(() => void server.close().closeAllConnections());
    const endpoint = `http://127.0.0.1:${await listening(server)}/v1/traces`;
    const closed = new Promise<void>((resolve) => {
      server.once('connection', (socket) => socket.on('error', () => {}).once('close', () => resolve()));
    });
    const sender = createSender({ endpoint, headers: {}, timeoutMs: 20_000, compression: 'none', ca: null });
    onTestFinished(() => sender.close());
    const result = await sender.send('{}', AbortSignal.timeout(20_000));
    expect(result).toEqual({ kind: 'taken', rejected: 0, reason: '' });
    await closed;
    expect(bytes).toBeLessThan(32 * 1024 * 1024);
  });
});
