import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NeighbourExchange } from '../../src/app/neighbour-exchange.ts';
import type { Summary } from '../../src/core/neighbours/summary.ts';
import { configFrom } from '../support/config.ts';

const SEEN = new Map<string, Summary>([['pilotnet', { spanMs: 2_000, instances: [] }]]);
const { mqtt, neighbours } = configFrom(
  'mqtt.url = "mqtt://127.0.0.1:1883"\n[[service]]\nname = "a"\nqos.latency = "80ms"',
);
const OBSERVE = { neighbours: { ...neighbours, mode: 'observe' }, mqtt } as const;

/** How many services it spoke of each time that it looked who is near, and each time that it did not look. */
function started() {
  const spoken: number[] = [];
  const between: number[] = [];
  const exchange = new NeighbourExchange({
    takeSummaries: () => SEEN,
    exchange: ({ size }) => spoken.push(size),
    say: ({ size }) => between.push(size),
  });
  exchange.configure(OBSERVE);
  return { exchange, spoken, between };
}

describe('the exchange with neighbours', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('looks who is near several times before it says anything, so that a beginner hears soon', () => {
    const { spoken, between } = started();
    vi.advanceTimersByTime(500);
    expect(spoken).toEqual([0, 0]);
    vi.advanceTimersByTime(1_400);
    expect(spoken.every((services) => services === 0)).toBe(true);
    expect(between).toEqual([]);
  });

  it('says what was seen every half second after that, and looks who is near every two', () => {
    const { spoken, between } = started();
    vi.advanceTimersByTime(10_000);
    const first = spoken.indexOf(1);
    expect(spoken.slice(first)).toEqual([1, 1, 1, 1, 1]);
    expect(between).toEqual(Array.from({ length: 12 }, () => 1));
  });

  it('is ended by a reload that turns it off, at any moment, and begins again', () => {
    const { exchange, spoken } = started();
    for (const passedMs of [300, 5_000]) {
      vi.advanceTimersByTime(passedMs);
      exchange.configure({ neighbours: { ...neighbours, mode: 'off' }, mqtt });
      const before = spoken.length;
      vi.advanceTimersByTime(10_000);
      expect(spoken).toHaveLength(before);
      exchange.configure(OBSERVE);
      vi.advanceTimersByTime(300);
      expect(spoken).toHaveLength(before + 1);
    }
  });

  it('does not so much as look without a broker', () => {
    const exchange = new NeighbourExchange({ takeSummaries: () => SEEN, exchange: () => {}, say: () => {} });
    exchange.configure({ ...OBSERVE, mqtt: null });
    expect(vi.getTimerCount()).toBe(0);
  });
});
