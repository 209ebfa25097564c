// Accuracy over rounds as a + b·ln(round), fitted by least squares (arXiv 2412.03385): what a configuration has shown is continued to
// the rounds that are left.

/** What was measured after a round. */
export interface RoundAccuracy {
  readonly round: number;
  /** In [0, 1]. */
  readonly accuracy: number;
}

/** accuracy = a + b·ln(round). */
export interface Curve {
  readonly a: number;
  readonly b: number;
}

/** @returns null where two different rounds at least are not known */
export function fitCurve(points: readonly RoundAccuracy[]): Curve | null {
  const logs = points.map(({ round }) => Math.log(round));
  const meanLog = mean(logs);
  const meanAccuracy = mean(points.map(({ accuracy }) => accuracy));
  let spread = 0;
  let together = 0;
  for (const [i, { accuracy }] of points.entries()) {
    const off = (logs[i] as number) - meanLog;
    spread += off * off;
    together += off * (accuracy - meanAccuracy);
  }
  if (!(spread > 0)) return null;
  const b = together / spread;
  return { a: meanAccuracy - b * meanLog, b };
}

/** Accuracy after a round by the curve, kept within [0, 1]. */
export function accuracyAt({ a, b }: Curve, round: number): number {
  return Math.min(1, Math.max(0, a + b * Math.log(round)));
}

/** The first round by the curve that has this accuracy; +Infinity where none has. */
export function roundOf({ a, b }: Curve, accuracy: number): number {
  if (a >= accuracy) return 1;
  return b > 0 ? Math.ceil(Math.exp((accuracy - a) / b)) : Number.POSITIVE_INFINITY;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
