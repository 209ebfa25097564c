import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { connect } from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { refuseUnasked } from '../../../src/placement/broker/bounds.ts';
import { CONNACK, startHostileBroker } from '../../support/hostile-broker.ts';

const SUBSCRIBE = 8;

/** The one packet that `bytes` hold is granted so many times. */
function grant(socket: Socket, bytes: Buffer, times: number): void {
  if ((bytes[0] ?? 0) >> 4 !== SUBSCRIBE) return;
  const granted = Buffer.from([0x90, 3, bytes[2] ?? 0, bytes[3] ?? 0, 0]);
  for (let i = 0; i < times; i++) socket.write(granted);
}

it.each([
  ['kept where it answers each question twice', 2, []],
  ['left where it answers one without end', 70, ['broker answers what was never asked (SUBACK)']],
])('a broker is %s', async (_what, times, errors) => {
  const url = await startHostileBroker((socket, { first, bytes }) => {
    if (first) socket.write(CONNACK);
    else grant(socket, bytes, times);
  });
  const client = connect(url, { protocolVersion: 4, reconnectPeriod: 0 });
  onTestFinished(() => void client.end(true));
  const said: string[] = [];
  client.on('error', ({ message }) => said.push(message));
  refuseUnasked(client);
  for (let i = 0; i < 200 && said.length === 0; i++) await client.subscribeAsync(`a/${i}`);
  await turn();
  expect(said.slice(0, 1)).toEqual(errors);
});
