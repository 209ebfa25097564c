import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ClientConnection } from '../../../src/proxy/downstream/client-connection.ts';
import { QUIET_MS, QuietSweep } from '../../../src/proxy/downstream/quiet-sweep.ts';

/** A look counts for no longer. */
const LOOK_MS_MAX = 100;

function connect() {
  const socket = {
    bytesRead: 10,
    bytesWritten: 10,
    writableLength: 0,
    destroyed: false,
    destroy: () => {
      socket.destroyed = true;
    },
  };
  const peer = { address: '127.0.0.1', proto: 'http', trusted: false } as never;
  const connection = new ClientConnection(socket as never, peer, () => null);
  return { socket, connection };
}

/** Connections of one port. */
function portOf(...connections: readonly ReturnType<typeof connect>[]) {
  return new Map(connections.map(({ socket, connection }) => [socket as unknown as Socket, connection]));
}

/** Looks every 50 ms, as a drain does, from `fromMs` up to `toMs`. */
function look(sweep: QuietSweep, ports: readonly ReturnType<typeof portOf>[], fromMs: number, toMs: number): void {
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 50) sweep.sweep(ports, nowMs);
}

const EXCHANGE = { waitsForClient: false, clientGone: () => {}, clientTooSlow: () => {}, clientBroken: () => false };

describe('the sweep of quiet connections', () => {
  it('closes them when nothing moved for the whole time, counted from the first look', () => {
    const [one, other] = [connect(), connect()];
    const ports = [portOf(one), portOf(other)];
    const sweep = new QuietSweep();
    look(sweep, ports, 1000, 1000 + QUIET_MS - 1);
    expect([one.socket.destroyed, other.socket.destroyed]).toEqual([false, false]);
    sweep.sweep(ports, 1000 + QUIET_MS);
    expect([one.socket.destroyed, other.socket.destroyed]).toEqual([true, true]);
  });

  it('leaves an idle one open while a byte moves on another, either way, on any port', () => {
    const [idle, moving] = [connect(), connect()];
    const ports = [portOf(idle), portOf(moving)];
    const sweep = new QuietSweep();
    for (let nowMs = 0; nowMs < 5 * QUIET_MS; nowMs += QUIET_MS / 2) {
      look(sweep, ports, nowMs, nowMs + QUIET_MS / 2);
      if (nowMs % QUIET_MS === 0) moving.socket.bytesRead++;
      else moving.socket.bytesWritten++;
    }
    expect([idle.socket.destroyed, moving.socket.destroyed]).toEqual([false, false]);
  });

  it('leaves an idle one open while others end, since their clients turn to it next', () => {
    const idle = connect();
    const port = portOf(idle, ...Array.from({ length: 10 }, connect));
    const sweep = new QuietSweep();
    for (let nowMs = 0; port.size > 1; nowMs += QUIET_MS / 2) {
      look(sweep, [port], nowMs, nowMs + QUIET_MS / 2);
      port.delete([...port.keys()].at(-1) as Socket);
    }
    expect(idle.socket.destroyed).toBe(false);
  });

  it('waits while a request is under way, and from its end on for as long as ever', () => {
    const [idle, busy] = [connect(), connect()];
    const ports = [portOf(idle, busy)];
    const sweep = new QuietSweep();
    busy.connection.add(EXCHANGE);
    look(sweep, ports, 0, 3 * QUIET_MS);
    busy.connection.remove(EXCHANGE);
    look(sweep, ports, 3 * QUIET_MS, 4 * QUIET_MS - 1);
    expect([idle.socket.destroyed, busy.socket.destroyed]).toEqual([false, false]);
    sweep.sweep(ports, 4 * QUIET_MS);
    expect([idle.socket.destroyed, busy.socket.destroyed]).toEqual([true, true]);
  });

  it('waits for a client that has not taken the last of its answer', () => {
    const slow = connect();
    const ports = [portOf(slow)];
    const sweep = new QuietSweep();
    slow.socket.writableLength = 1;
    look(sweep, ports, 0, 3 * QUIET_MS);
    expect(slow.socket.destroyed).toBe(false);
    slow.socket.writableLength = 0;
    look(sweep, ports, 3 * QUIET_MS, 5 * QUIET_MS);
    expect(slow.socket.destroyed).toBe(true);
  });

  it('counts no time in which it did not look: what came then is not read yet', () => {
    const idle = connect();
    const ports = [portOf(idle)];
    const sweep = new QuietSweep();
    sweep.sweep(ports, 0);
    sweep.sweep(ports, 60_000);
    expect(idle.socket.destroyed).toBe(false);
    look(sweep, ports, 60_000, 60_000 + QUIET_MS - LOOK_MS_MAX);
    expect(idle.socket.destroyed).toBe(true);
  });

  it('closes the quiet ones alone when it hears that the end is near', () => {
    const [idle, recent, busy] = [connect(), connect(), connect()];
    busy.connection.add(EXCHANGE);
    const ports = [portOf(idle, recent, busy)];
    const sweep = new QuietSweep();
    look(sweep, ports, 0, QUIET_MS - 50);
    recent.socket.bytesRead++;
    sweep.sweep(ports, QUIET_MS);
    sweep.closeQuiet(ports);
    expect([idle, recent, busy].map(({ socket }) => socket.destroyed)).toEqual([true, false, false]);
  });

  it('leaves protocols alone that say themselves when they end, and does not wait for them', () => {
    const [quiet, multiplexed] = [connect(), connect()];
    multiplexed.connection.multiplexed = true;
    const ports = [portOf(quiet, multiplexed)];
    const sweep = new QuietSweep();
    for (let nowMs = 0; nowMs <= QUIET_MS; nowMs += 50) {
      multiplexed.socket.bytesRead++;
      sweep.sweep(ports, nowMs);
    }
    expect([quiet.socket.destroyed, multiplexed.socket.destroyed]).toEqual([true, false]);
  });
});
