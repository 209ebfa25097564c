import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalCdf, normalDensity } from '../../../src/core/stats/normal.ts';

describe('normal distribution', () => {
  it.each([
    [0, 0.5],
    [1, 0.841344746],
    [-1, 0.158655254],
    [1.959964, 0.975],
    [-3, 0.001349898],
    [Number.POSITIVE_INFINITY, 1],
    [Number.NEGATIVE_INFINITY, 0],
  ])('Φ(%f) is %f to within 5e-7', (z, expected) => {
    expect(Math.abs(normalCdf(z) - expected)).toBeLessThan(5e-7);
  });

  it('never falls', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -12, max: 12, noNaN: true }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (z, step) => {
          expect(normalCdf(z + step)).toBeGreaterThanOrEqual(normalCdf(z));
        },
      ),
    );
  });

  it('has the density as its slope', () => {
    for (let z = -4; z <= 4; z += 0.31) {
      expect(Math.abs((normalCdf(z + 0.05) - normalCdf(z - 0.05)) / 0.1 - normalDensity(z))).toBeLessThan(2e-3);
    }
  });
});
