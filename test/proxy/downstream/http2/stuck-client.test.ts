// A connection over a socket that takes nothing of what is written: its client does not read.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { Http2Connection } from '../../../../src/proxy/downstream/http2/connection.ts';
import type { Http2PortOptions } from '../../../../src/proxy/downstream/http2/port-options.ts';

class StuckSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  setTimeout(): this {
    return this;
  }
  override _read(): void {}
  /** Never calls back. */
  override _write(): void {}
}

const LIMITS = { headerBytesMax: 16_384, headersTimeoutMs: 10_000, keepAliveTimeoutMs: 1000, bodyIdleTimeoutMs: 1000 };

it('a client that broke the protocol and does not read why is cut off when it is quiet', () => {
  const socket = new StuckSocket();
  onTestFinished(() => void socket.destroy());
  const options = { config: () => LIMITS, dispatch: () => {}, peerOf: () => ({}), service: () => null };
  new Http2Connection(
    { socket: socket as unknown as Socket, first: Buffer.alloc(0) },
    options as unknown as Http2PortOptions,
    () => {},
  );
  socket.emit('data', Buffer.from('no preface'));
  expect(socket.writableEnded).toBe(true);
  expect(socket.destroyed).toBe(false);
  socket.emit('timeout');
  expect(socket.destroyed).toBe(true);
});
