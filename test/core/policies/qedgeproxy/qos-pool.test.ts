import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QosPool } from '../../../../src/core/policies/qedgeproxy/qos-pool.ts';
import { candidateAt, candidatesAt } from '../../candidates.ts';

const RHO = 0.9;
const success = fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 1, noNaN: true }));
const someSuccess = fc.array(success, { minLength: 1, maxLength: 12 });
const someEpsilon = fc.double({ min: 0.001, max: 0.999, noNaN: true });

function poolOf(successes: readonly number[]): QosPool {
  const pool = new QosPool({ successRatio: RHO, smoothing: 0.1 });
  pool.ensureHandles(successes.length);
  successes.forEach((value, handle) => {
    pool.success[handle] = value;
  });
  return pool;
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

describe('QoS pool', () => {
  it('has weights that sum to 1 and are zero outside the pool', () => {
    fc.assert(
      fc.property(someSuccess, someEpsilon, fc.infiniteStream(fc.boolean()), (successes, epsilon, coin) => {
        const pool = poolOf(successes);
        const feasible = candidatesAt(successes.length).filter(() => coin.next().value);
        pool.rebuild(feasible, epsilon);
        const inside = new Set(feasible.map(({ handle }) => handle));
        successes.forEach((_, handle) => {
          const weight = pool.weights[handle] ?? Number.NaN;
          if (inside.has(handle)) expect(weight).toBeGreaterThan(0);
          else expect(weight).toBe(0);
        });
        expect(sum(pool.weights)).toBeCloseTo(feasible.length === 0 ? 0 : 1, 9);
      }),
    );
  });

  it('gives 1 − ε to exploitation and ε to exploration, and all to the one that is not empty', () => {
    fc.assert(
      fc.property(someSuccess, someEpsilon, (successes, epsilon) => {
        const pool = poolOf(successes);
        pool.rebuild(candidatesAt(successes.length), epsilon);
        const explored = sum(successes.map((_, handle) => (pool.isTrusted(handle) ? 0 : (pool.weights[handle] ?? 0))));
        const trusted = successes.filter((value) => value >= RHO).length;
        const expected = trusted === 0 ? 1 : trusted === successes.length ? 0 : epsilon;
        expect(explored).toBeCloseTo(expected, 9);
      }),
    );
  });

  it('scores by Algorithm 1: (μ̂ − ρ) + η when trusted, μ̂/ρ + η when explored, the best of those without samples', () => {
    const pool = poolOf([1, 0.95, 0.45, 0.09, Number.NaN]);
    pool.rebuild(candidatesAt(5), 0.2);
    const trusted = 0.2 + 0.15;
    const explored = 0.6 + 0.2 + 0.6;
    const expected = [
      (0.8 * 0.2) / trusted,
      (0.8 * 0.15) / trusted,
      (0.2 * 0.6) / explored,
      (0.2 * 0.2) / explored,
      (0.2 * 0.6) / explored,
    ];
    for (const [handle, weight] of expected.entries()) expect(pool.weights[handle]).toBeCloseTo(weight, 12);
  });

  it('lets a new instance join with ε/(|Q| + 1), the rest making room in proportion', () => {
    const pool = poolOf([1, 0.95]);
    pool.rebuild(candidatesAt(2), 0.3);
    const before = [...pool.weights];
    pool.ensureHandles(3);
    pool.join(candidateAt(2), 0.3);
    expect(pool.weights[2]).toBeCloseTo(0.1, 12);
    expect(pool.weights[0]).toBeCloseTo((before[0] ?? 0) * 0.9, 12);
    expect(sum(pool.weights)).toBeCloseTo(1, 12);
  });

  it('renormalises when an instance leaves, also when the rest had decayed to nothing', () => {
    fc.assert(
      fc.property(someSuccess, fc.constantFrom(0, 0.3), fc.nat(), (successes, epsilon, which) => {
        const pool = poolOf(successes);
        pool.rebuild(candidatesAt(successes.length), epsilon);
        const leaver = which % successes.length;
        pool.leave(leaver);
        pool.leave(leaver);
        expect(pool.weights[leaver]).toBe(0);
        expect(sum(pool.weights)).toBeCloseTo(successes.length === 1 ? 0 : 1, 9);
      }),
    );
  });
});
