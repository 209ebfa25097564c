// Φ, the normal distribution function, fast enough to be asked for every sample of every window: a table, read with
// linear interpolation.

/** Beyond ±8 deviations Φ is 0 or 1 to within 1e-15. */
const Z_MAX = 8;
const STEPS_PER_UNIT = 256;
const STEPS = 2 * Z_MAX * STEPS_PER_UNIT;

/** Φ at −8, −8 + 1/256 … 8. Interpolation errs by at most max|Φ''|/8 · (1/256)² = 4.6e-7. */
const TABLE = Float64Array.from({ length: STEPS + 2 }, (_, i) => normalCdfExact(i / STEPS_PER_UNIT - Z_MAX));

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

/** Marsaglia's series ("Evaluating the Normal Distribution", 2004): Φ(z) = ½ + φ(z)·(z + z³/3 + z⁵/(3·5) + …). */
function normalCdfExact(z: number): number {
  let sum = z;
  let term = z;
  let previous = 0;
  for (let i = 3; sum !== previous; i += 2) {
    previous = sum;
    term *= (z * z) / i;
    sum += term;
  }
  return Math.min(1, Math.max(0, 0.5 + sum * normalDensity(z)));
}
