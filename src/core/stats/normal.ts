// Φ, the normal distribution function, fast enough to be asked for every sample of every window: a table, read with
// linear interpolation.

/** Beyond ±8 deviations Φ is 0 or 1 to within 1e-15. */
const Z_MAX = 8;
const STEPS_PER_UNIT = 256;
const STEPS = 2 * Z_MAX * STEPS_PER_UNIT;

/** Φ at −8, −8 + 1/256 … 8. Interpolation errs by at most max|Φ''|/8 · (1/256)² = 4.6e-7. */
const TABLE = tabulate();

/** P(Z ≤ z) for a standard normal Z, within 5e-7; never decreasing in z. Infinities are fine. */
export function normalCdf(z: number): number {
  if (z >= Z_MAX) return 1;
  if (!(z > -Z_MAX)) return 0;
  const position = (z + Z_MAX) * STEPS_PER_UNIT;
  const index = position | 0;
  const below = TABLE[index] ?? 0;
  return below + ((TABLE[index + 1] ?? 1) - below) * (position - index);
}

/** Density of the standard normal at z. */
export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/**
 * The density, added up by Simpson's rule: a thousandth of a millisecond an entry where a series takes twenty times as
 * much at every start, and 1e-13 away from it.
 */
function tabulate(): Float64Array {
  const step = 1 / STEPS_PER_UNIT;
  const table = new Float64Array(STEPS + 2);
  for (let i = 1; i < table.length; i++) {
    const z = i * step - Z_MAX;
    const area = normalDensity(z - step) + 4 * normalDensity(z - step / 2) + normalDensity(z);
    table[i] = Math.min(1, (table[i - 1] ?? 0) + (area * step) / 6);
  }
  return table;
}
