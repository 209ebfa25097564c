import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PoolSweep } from '../../src/proxy/pool-sweep.ts';
import type { ServiceRuntime } from '../../src/proxy/service.ts';

function started(rests: () => boolean) {
  const service = { sweep: vi.fn(), upstreamConnections: 1 };
  const sweep = new PoolSweep(new Map([['a', service as never as ServiceRuntime]]), rests);
  sweep.start();
  const sweepsIn = (ms: number): number => {
    service.sweep.mockClear();
    vi.advanceTimersByTime(ms);
    return service.sweep.mock.calls.length;
  };
  return { service, sweep, sweepsIn };
}

describe('the sweep of idle connections', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('ends once none is left and no request comes, and begins again with the next one', () => {
    let rests = false;
    const { service, sweep, sweepsIn } = started(() => rests);
    expect(sweepsIn(10_000)).toBe(5);
    service.upstreamConnections = 0;
    expect(sweepsIn(10_000)).toBe(5);
    rests = true;
    service.upstreamConnections = 1;
    expect(sweepsIn(10_000)).toBe(5);
    service.upstreamConnections = 0;
    expect(sweepsIn(10_000)).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    sweep.start();
    expect(sweepsIn(2_000)).toBe(1);
  });

  it('does not begin again once its proxy is closed', () => {
    const { sweep } = started(() => false);
    sweep.end();
    sweep.start();
    expect(vi.getTimerCount()).toBe(0);
  });
});
