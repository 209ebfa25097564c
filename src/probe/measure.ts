// One measurement of a network round trip: a ping of the qedge there over a kept-alive connection, or, where none runs,
// the time a TCP connect takes (SYN out, SYN-ACK back: one round trip).

import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { HostPort } from '../core/domain.ts';
import { addressBook } from '../net/address-book.ts';

export interface MeasureOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** By how much the clock of the other side is ahead, ms, where it says what time it is. */
  readonly onClock?: (aheadMs: number) => void;
}

/** Path that every qedge answers with 204. */
const PING_PATH = '/-/ping';

/** An agent for `ping`: at most one connection per node, kept while idle. */
export function createPingAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
}

/**
 * `agent`: where connections are kept; false: a new one each time.
 * Time from sending the ping to its answer, ms. On a new connection the clock starts when it is established.
 * @throws Error when nothing answers in time, or it answers otherwise than with 204: then it is no qedge.
 */
export function ping(
  { host, port }: HostPort,
  agent: Agent | false,
  { clock, timeoutMs, onClock }: MeasureOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { lookup } = addressBook;
    const req = request({ host, port, lookup, path: PING_PATH, agent, headers: { 'user-agent': 'qedge-probe' } });
    const deadline = setTimeout(() => req.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    let startMs = clock.nowMs();
    req.once('socket', (socket) => {
      const start = (): void => {
        startMs = clock.nowMs();
      };
      if (socket.connecting) socket.once('connect', start);
      else start();
    });
    req.once('response', (response) => {
      const rttMs = clock.nowMs() - startMs;
      response.resume();
      const time = Number(response.headers['x-qedge-time'] ?? Number.NaN);
      if (time > 0) onClock?.(time - (Date.now() - rttMs / 2));
      if (response.statusCode === 204) resolve(rttMs);
      // Its body may have no end.
      else req.destroy(new Error(`answered ${response.statusCode} to ${PING_PATH}`));
    });
    req.once('information', ({ statusCode }) => req.destroy(new Error(`answered ${statusCode} to ${PING_PATH}`)));
    req.once('error', reject);
    req.once('close', () => clearTimeout(deadline));
    req.end();
  });
}

/**
 * Time a TCP connect to the first endpoint that accepts one takes, ms. They are tried in turn, each with the timeout.
 * @throws Error of the last one when none accepts.
 */
export async function connectTime(endpoints: readonly HostPort[], options: MeasureOptions): Promise<number> {
  let last: unknown = new Error('no endpoint to connect to');
  for (const endpoint of endpoints) {
    try {
      return await connectOnce(endpoint, options);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function connectOnce({ host, port }: HostPort, { clock, timeoutMs }: MeasureOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let startMs = clock.nowMs();
    const socket = connect({ host, port, lookup: addressBook.lookup, noDelay: true });
    // What a name takes to resolve is no distance.
    socket.once('lookup', () => {
      startMs = clock.nowMs();
    });
    const deadline = setTimeout(() => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    socket.once('connect', () => {
      resolve(clock.nowMs() - startMs);
      // An orderly end: many servers log a reset as an error of theirs, some with a stack trace each time.
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(deadline));
  });
}
