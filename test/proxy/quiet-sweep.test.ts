import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ClientConnection } from '../../src/proxy/client-connection.ts';
import { QUIET_MS, QuietSweep } from '../../src/proxy/quiet-sweep.ts';

function connect() {
  const socket = {
    bytesRead: 10,
    bytesWritten: 10,
    destroyed: false,
    destroy: () => {
      socket.destroyed = true;
    },
  };
  const peer = { address: '127.0.0.1', proto: 'http', trusted: false } as never;
  const connection = new ClientConnection(socket as never, peer, () => null);
  return { socket, connection, all: new Map([[socket as unknown as Socket, connection]]) };
}

const EXCHANGE = { waitsForClient: false, clientGone: () => {}, clientTooSlow: () => {}, clientBroken: () => {} };

describe('the sweep of quiet connections', () => {
  it('closes one on which nothing moved for the whole time, counted from the first look', () => {
    const { socket, all } = connect();
    const sweep = new QuietSweep();
    sweep.sweep(all, 1000);
    sweep.sweep(all, 1000 + QUIET_MS - 1);
    expect(socket.destroyed).toBe(false);
    sweep.sweep(all, 1000 + QUIET_MS);
    expect(socket.destroyed).toBe(true);
  });

  it('gives one more time with each byte, either way', () => {
    const { socket, all } = connect();
    const sweep = new QuietSweep();
    for (let nowMs = 0; nowMs < 5 * QUIET_MS; nowMs += QUIET_MS / 2) {
      sweep.sweep(all, nowMs);
      if (nowMs % QUIET_MS === 0) socket.bytesRead++;
      else socket.bytesWritten++;
    }
    expect(socket.destroyed).toBe(false);
  });

  it('leaves one alone while a request is under way, and gives it its time afterwards', () => {
    const { socket, connection, all } = connect();
    const sweep = new QuietSweep();
    connection.add(EXCHANGE);
    for (let nowMs = 0; nowMs <= 3 * QUIET_MS; nowMs += 50) sweep.sweep(all, nowMs);
    connection.remove(EXCHANGE);
    sweep.sweep(all, 4 * QUIET_MS - 1);
    expect(socket.destroyed).toBe(false);
    sweep.sweep(all, 4 * QUIET_MS);
    expect(socket.destroyed).toBe(true);
  });

  it('leaves protocols alone that say themselves when they end', () => {
    const { socket, connection, all } = connect();
    connection.multiplexed = true;
    const sweep = new QuietSweep();
    for (let nowMs = 0; nowMs <= 3 * QUIET_MS; nowMs += 50) sweep.sweep(all, nowMs);
    expect(socket.destroyed).toBe(false);
  });
});
