import { describe, expect, it } from 'vitest';
import { PressedClients } from '../../../src/core/requirements/pressed-clients.ts';

const WINDOW_MS = 10_000;

function clientsOf(rows: number): PressedClients {
  const clients = new PressedClients(WINDOW_MS, 0.92);
  clients.ensureRows(rows);
  for (let row = 0; row < rows; row++) clients.record(row, true, 0);
  return clients;
}

describe('a client that is about to miss the latency goal', () => {
  it('takes from the objective as much as it is a share of the clients, four times over', () => {
    const clients = clientsOf(8);
    expect(clients.spared(0)).toBe(1);
    for (let miss = 0; miss < 2; miss++) clients.record(3, false, 0);
    expect(clients.spared(0)).toBe(0.5);
    for (let miss = 0; miss < 2; miss++) clients.record(4, false, 0);
    expect(clients.spared(0)).toBe(0);
  });

  it('counts again once it is served well, and is no matter once it is silent or forgotten', () => {
    const clients = clientsOf(4);
    for (let miss = 0; miss < 2; miss++) clients.record(1, false, 0);
    expect(clients.spared(0)).toBe(0);
    for (let good = 0; good < 8; good++) clients.record(1, true, 0);
    expect(clients.spared(0)).toBe(1);
    for (let miss = 0; miss < 4; miss++) clients.record(1, false, 0);
    expect(clients.spared(0)).toBe(0);
    clients.clear(1);
    expect(clients.spared(0)).toBe(1);
    clients.record(2, false, 0);
    clients.record(2, false, 0);
    expect(clients.spared(WINDOW_MS + 1)).toBe(1);
  });
});
