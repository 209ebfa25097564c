// What would go on for ever, were it not ended: connections for requests that are over, and those of instances that say nothing.

import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import { deafInstance } from '../../../support/deaf-instance.ts';
import { FLAG, frame, hpack, TYPE } from '../../../support/http2-frames.ts';

/** SETTINGS_MAX_CONCURRENT_STREAMS 0. */
const NONE_FOR_NOW = frame(TYPE.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 0]));

it.each([
  ['goes on waiting', false, 2],
  ['is over', true, 1],
])('a connection that hung up is opened again while a request waits: one that %s', async (_, over, expected) => {
  const instance = deafInstance();
  const call = instance.ask({});
  instance.receive(NONE_FOR_NOW);
  if (over) call.abort();
  const closed = once(instance.sockets[0] as Duplex, 'close');
  instance.sockets[0]?.destroy();
  await closed;
  expect(instance.sockets).toHaveLength(expected);
});

it('an instance that takes no streams and hangs up each time is connected to four times a second while a request waits', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const instance = deafInstance();
  instance.ask({});
  const hangUp = async (): Promise<void> => {
    instance.receive(NONE_FOR_NOW);
    const socket = instance.sockets.at(-1) as Duplex;
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
  };
  await hangUp();
  // The first may have met a restart.
  expect(instance.sockets).toHaveLength(2);
  for (let opened = 2; opened < 6; opened++) {
    await hangUp();
    expect(instance.sockets).toHaveLength(opened);
    await vi.advanceTimersByTimeAsync(249);
    expect(instance.sockets).toHaveLength(opened);
    await vi.advanceTimersByTimeAsync(1);
    expect(instance.sockets).toHaveLength(opened + 1);
  }
});

it('a connection that is closed while its peer takes nothing is cut off', () => {
  const instance = deafInstance(false);
  instance.ask({}).abort();
  instance.receive(frame(TYPE.settings, 0, 0));
  const [socket] = instance.sockets;
  socket?.emit('timeout');
  expect(socket?.destroyed).toBe(false);
  socket?.emit('timeout');
  expect(socket?.destroyed).toBe(true);
});

it('a connection that had a stream when it was silent for long is closed all the same once it has none', () => {
  const instance = deafInstance();
  const call = instance.ask({});
  instance.receive(frame(TYPE.settings, 0, 0));
  const [socket] = instance.sockets;
  socket?.emit('timeout');
  expect(socket?.writableEnded).toBe(false);
  call.abort();
  socket?.emit('timeout');
  expect(socket?.writableEnded).toBe(true);
});

it('an instance that falls silent while it is leaving is missed', async () => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'performance'],
  });
  onTestFinished(() => void vi.useRealTimers());
  const instance = deafInstance();
  const failures: string[] = [];
  instance.ask({ onError: ({ cause }) => failures.push(cause.message) });
  instance.receive(frame(TYPE.settings, 0, 0));
  instance.receive(frame(TYPE.headers, FLAG.endHeaders, 1, hpack([[':status', '200']])));
  instance.receive(frame(TYPE.goaway, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(failures).toEqual(['a ping was not answered']);
});
