// What a connection reads into is shared with all others: nothing of it may be looked at later.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { forwardHttp2 } from '../../../../src/proxy/upstream/http2/forward.ts';
import { Http2Sessions } from '../../../../src/proxy/upstream/http2/sessions.ts';
import type { UpstreamHandler } from '../../../../src/proxy/upstream/upstream.ts';
import { FLAG, frame, hpack, TYPE } from '../../../support/http2-frames.ts';

/** The end of a connection at which nobody is. */
class DeafSocket extends Duplex {
  readonly bytesRead = 0;
  setTimeout(): this {
    return this;
  }
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

it('a small piece of an answer is passed on as it came, though the connection breaks behind it', async () => {
  let receive = (_bytes: Buffer): void => {};
  const sessions = new Http2Sessions({
    secure: false,
    connectionsMax: 1,
    settingsMsMax: 1000,
    nowMs: () => performance.now(),
    latencyMs: 1000,
    onOpen: () => {},
    onClose: () => {},
    open: (into, done) => {
      receive = (bytes) => {
        if (into === null || typeof into.buffer === 'function') throw new Error('no shared buffer');
        bytes.copy(into.buffer);
        into.callback(bytes.length, into.buffer);
        // The next read is of another connection.
        into.buffer.fill(0x3f, 0, bytes.length);
      };
      done(null, new DeafSocket() as unknown as Socket);
    },
  });
  let body = '';
  const failed = new Promise<void>((resolve) => {
    const handler: UpstreamHandler = {
      onConnected: () => {},
      onInformation: () => {},
      onHead: () => {},
      onUpgrade: () => {},
      onData: (chunk) => {
        body += chunk.toString();
      },
      onEnd: () => resolve(),
      onError: () => resolve(),
    };
    const framing = { contentLength: null, trailer: null, expect: null, upgrade: null };
    const request = { method: 'GET', target: '/', fields: ['Host', 'cam'] };
    forwardHttp2({ sessions, scheme: 'http' }, { request, framing, body: null, again: false }, handler);
  });
  receive(frame(TYPE.settings, 0, 0));
  receive(
    Buffer.concat([
      frame(TYPE.headers, FLAG.endHeaders, 1, hpack([[':status', '200']])),
      frame(TYPE.data, 0, 1, 'left'),
      frame(TYPE.data, 0, 99, 'of a stream that is idle'),
    ]),
  );
  await failed;
  expect(body).toBe('left');
});
