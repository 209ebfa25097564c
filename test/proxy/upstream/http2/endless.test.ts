// What would go on for ever, were it not ended: connections for requests that are over, and connections that cannot say their last.

import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { deafInstance } from '../../../support/deaf-instance.ts';
import { frame, TYPE } from '../../../support/http2-frames.ts';

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

it('a connection that is closed while its peer takes nothing is cut off', () => {
  const instance = deafInstance(false);
  instance.ask({}).abort();
  instance.receive(frame(TYPE.settings, 0, 0));
  const [socket] = instance.sockets;
  socket?.onIdle();
  expect(socket?.destroyed).toBe(false);
  socket?.onIdle();
  expect(socket?.destroyed).toBe(true);
});
