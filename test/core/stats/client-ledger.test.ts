import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientLedger } from '../../../src/core/stats/client-ledger.ts';

const WINDOW_MS = 1600;
const BUCKET_MS = WINDOW_MS / 16;

const someRequests = fc.array(
  fc.record({ client: fc.constantFrom('a', 'b', 'c'), success: fc.boolean(), gapMs: fc.nat({ max: 700 }) }),
  { maxLength: 120 },
);

/** Requests within W by client; a client without any is not there. */
const requestsOf = (ledger: ClientLedger, nowMs: number): Map<string, number> =>
  new Map(ledger.worst(Number.POSITIVE_INFINITY, nowMs).map(({ clientId, requests }) => [clientId, requests]));

describe('client ledger', () => {
  it('counts no request older than W and every one younger than W less a sixteenth', () => {
    fc.assert(
      fc.property(someRequests, (requests) => {
        const ledger = new ClientLedger(WINDOW_MS, 8);
        const all: { client: string; atMs: number }[] = [];
        let nowMs = 0;
        for (const { client, success, gapMs } of requests) {
          nowMs += gapMs;
          ledger.record(client, success, nowMs);
          all.push({ client, atMs: nowMs });
          for (const name of ['a', 'b', 'c']) {
            const within = (ms: number) => all.filter((one) => one.client === name && nowMs - one.atMs < ms).length;
            const counted = requestsOf(ledger, nowMs).get(name) ?? 0;
            expect(counted).toBeLessThanOrEqual(within(WINDOW_MS));
            expect(counted).toBeGreaterThanOrEqual(within(WINDOW_MS - BUCKET_MS));
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('forgets the client not seen for longest when it is full', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 200 }), (clients) => {
        const ledger = new ClientLedger(WINDOW_MS, 4);
        let recent: string[] = [];
        for (const client of clients) {
          ledger.record(`c${client}`, true, 10);
          recent = [`c${client}`, ...recent.filter((name) => name !== `c${client}`)].slice(0, 4);
          expect([...requestsOf(ledger, 10).keys()].sort()).toEqual([...recent].sort());
        }
      }),
      { numRuns: 50 },
    );
  });

  it('grows to its maximum and no further', () => {
    const ledger = new ClientLedger(WINDOW_MS, 1000);
    for (let i = 0; i < 5000; i++) ledger.record(`client-${i}`, i % 2 === 0, 10);
    expect(requestsOf(ledger, 10).size).toBe(1000);
    expect(ledger.satisfiedRatio(0.9, 10)).toBe(0.5);
  });

  it('takes a share of exactly ρ for enough, in any case', () => {
    for (let percent = 1; percent <= 100; percent++) {
      const ledger = new ClientLedger(WINDOW_MS, 1);
      for (let i = 0; i < 100; i++) ledger.record('camera', i < percent, 10);
      expect(ledger.satisfiedRatio(percent / 100, 10)).toBe(1);
    }
  });

  it('does not account anonymous requests', () => {
    const ledger = new ClientLedger(WINDOW_MS, 4);
    ledger.record('', false, 10);
    expect(ledger.satisfiedRatio(0.9, 10)).toBeNull();
  });

  it('counts anonymous requests in the share of all', () => {
    const ledger = new ClientLedger(WINDOW_MS, 8);
    for (let i = 0; i < 10; i++) {
      ledger.record('camera', i < 6, 10);
      ledger.record('', true, 10);
    }
    expect(ledger.overallSuccessRatio(10)).toBeCloseTo(16 / 20, 12);
  });

  it('comes back from a snapshot, as of its age', () => {
    const ledger = new ClientLedger(WINDOW_MS, 4);
    for (let i = 0; i < 10; i++) ledger.record('camera', i < 7, 5000);
    const snapshot = JSON.parse(JSON.stringify(ledger.snapshot(5000)));
    const restored = new ClientLedger(WINDOW_MS, 4);
    restored.restore([...snapshot, ['bad', 3, 4], [7, 1, 1], 'x'], 1000, 20);
    expect(restored.worst(5, 20)).toEqual([{ clientId: 'camera', requests: 10, successRatio: 0.7 }]);
    expect(restored.worst(5, 20 + WINDOW_MS - 1000)).toEqual([]);
  });
});
