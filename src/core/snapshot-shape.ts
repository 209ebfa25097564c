// Reading back what an earlier run wrote: every value may be missing or of another shape, and then counts as absent.

/** The value as a record; an empty one when it is none. Snapshots may hold anything. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** A finite number within bounds, else `otherwise`. */
export function numberOf(
  value: unknown,
  bounds: { readonly min: number; readonly max: number; readonly otherwise: number },
): number {
  return typeof value === 'number' && value >= bounds.min && value <= bounds.max ? value : bounds.otherwise;
}

/** Flat pairs `[a, b, a, b…]`; empty for anything else. */
export function pairsOf(value: unknown): readonly (readonly [number, number])[] {
  if (!Array.isArray(value) || value.length % 2 !== 0 || !value.every((item) => typeof item === 'number')) return [];
  const flat = value as readonly number[];
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? 0, flat[2 * i + 1] ?? 0] as const);
}

/** Rounds to 0.1, as exact as a latency is worth keeping, in as few bytes. */
export function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
