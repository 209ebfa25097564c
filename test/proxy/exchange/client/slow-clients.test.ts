import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import { bodyLagMs, type SlowClient, SlowClients } from '../../../../src/proxy/exchange/client/slow-clients.ts';

function clients(...lagsMs: readonly number[]): { slow: SlowClients; ended: number[]; at: readonly Candidate[] } {
  const slow = new SlowClients();
  const ended: number[] = [];
  const at = lagsMs.map((_, handle) => ({ handle }) as Candidate);
  lagsMs.forEach((lagMs, index) => {
    const one: SlowClient = {
      lagMs: () => lagMs,
      candidate: at[index] ?? null,
      makeWay: () => {
        ended.push(lagMs);
        slow.delete(one);
      },
    };
    slow.add(one);
  });
  return { slow, ended, at };
}

describe('of slow clients', () => {
  it('the one that is furthest behind makes way, and none that keeps up', () => {
    const { slow, ended } = clients(300, 900, 100, Number.NEGATIVE_INFINITY);
    expect([slow.makeRoom(0), slow.makeRoom(0), slow.makeRoom(0)]).toEqual([true, true, false]);
    expect(ended).toEqual([900, 300]);
  });

  it('only one at the instance that has no room makes way, where an instance is full', () => {
    const { slow, ended, at } = clients(300, 900);
    expect(slow.makeRoom(0, at[0])).toBe(true);
    expect(ended).toEqual([300]);
  });

  it('none is looked for again at once where there was none', () => {
    const { slow, ended } = clients(100);
    expect(slow.couldMakeRoom(0)).toBe(false);
    slow.add({ lagMs: () => 1e6, candidate: null, makeWay: () => ended.push(1) });
    expect([slow.makeRoom(1), slow.makeRoom(60)]).toEqual([false, true]);
  });

  it('a body is behind by what it took beyond a millisecond a byte', () => {
    expect(bodyLagMs(10_000, 10_000)).toBe(0);
    expect(bodyLagMs(10_000, 100)).toBe(9_900);
    expect(bodyLagMs(500, 64_000)).toBeLessThan(0);
  });
});
