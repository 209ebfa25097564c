import { describe, expect, it } from 'vitest';
import { RequestRates } from '../../../src/core/router/request-rates.ts';

describe('request rates', () => {
  it('are what is sent, of the service and of each instance', () => {
    const rates = new RequestRates(0);
    for (const handle of [0, 1]) rates.begin(handle);
    for (let nowMs = 0; nowMs < 30_000; nowMs += 10) {
      rates.countService(nowMs);
      rates.countInstance(nowMs % 40 === 0 ? 1 : 0, nowMs);
    }
    // One request in or out of the oldest sixteenth of 10 s is all that can be wrong.
    expect(Math.abs(rates.ofService(30_000) - 100)).toBeLessThan(0.2);
    expect(Math.abs(rates.ofInstance(0, 30_000) - 75)).toBeLessThan(0.2);
    expect(Math.abs(rates.ofInstance(1, 30_000) - 25)).toBeLessThan(0.2);
  });

  it('are taken over the time there was, but over a second at the least', () => {
    const rates = new RequestRates(100_000);
    for (let nowMs = 100_000; nowMs < 104_000; nowMs += 100) rates.countService(nowMs);
    expect(rates.ofService(104_000)).toBeCloseTo(10, 9);
    const young = new RequestRates(100_000);
    young.countService(100_010);
    expect(young.ofService(100_020)).toBe(1);
  });

  it('begin at nothing for an instance that takes over a handle', () => {
    const rates = new RequestRates(0);
    rates.begin(0);
    for (let i = 0; i < 50; i++) rates.countInstance(0, 5_000);
    rates.begin(0);
    expect(rates.ofInstance(0, 5_000)).toBe(0);
  });
});
