// SETTINGS cost what the streams cost that they concern, and so they count.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { Dispatch } from '../../../../src/proxy/downstream/dispatch.ts';
import { Http2Connection } from '../../../../src/proxy/downstream/http2/connection.ts';
import type { Http2PortOptions } from '../../../../src/proxy/downstream/http2/port-options.ts';
import { FLAG, frame, GET, hpack, PREFACE, TYPE } from '../../../support/http2-frames.ts';

const STREAMS = 250;
/** Fewer than are read at once where each counts as one. */
const SETTINGS = 200;
const LIMITS = {
  headerBytesMax: 16_384,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 10_000,
  bodyIdleTimeoutMs: 10_000,
};

/** Takes all that is written. */
class OpenSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  setTimeout(): this {
    return this;
  }
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

function initialWindow(bytes: number): Buffer {
  const payload = Buffer.from([0, 4, 0, 0, 0, 0]);
  payload.writeUInt32BE(bytes, 2);
  return frame(TYPE.settings, 0, 0, payload);
}

it('SETTINGS that open the windows of many streams are read a few at a time', async () => {
  const socket = new OpenSocket();
  onTestFinished(() => void socket.destroy());
  let begun = 0;
  const dispatch: Dispatch = ({ response }) => {
    begun++;
    response.writeHead(200, []);
    response.write(Buffer.alloc(1000));
  };
  const options = { config: () => LIMITS, dispatch, peerOf: () => ({}), service: () => null };
  new Http2Connection(
    { socket: socket as unknown as Socket, first: Buffer.alloc(0) },
    options as unknown as Http2PortOptions,
    () => {},
  );
  const heads = Array.from({ length: STREAMS }, (_, index) =>
    frame(TYPE.headers, FLAG.endHeaders | FLAG.endStream, 2 * index + 1, hpack(GET)),
  );
  socket.emit('data', Buffer.concat([PREFACE, initialWindow(0), ...heads]));
  while (begun < STREAMS) await turn();
  for (let turns = 0; turns < 5; turns++) await turn();
  expect(socket.isPaused()).toBe(false);
  // Each allows a byte more.
  socket.emit('data', Buffer.concat(Array.from({ length: SETTINGS }, (_, index) => initialWindow(index + 1))));
  expect(socket.isPaused()).toBe(true);
});
