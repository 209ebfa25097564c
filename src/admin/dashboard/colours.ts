// Colours carry meaning twice: with a text beside them, always. Success runs from red through amber to teal at ρ; the
// palette distinguishes instances and is spaced for colour-blind eyes.

/** Colour of a success share against the target; the neutral one when unknown. */
export function successColour(ratio: number | null, target: number): string {
  if (ratio === null) return 'var(--unknown)';
  if (ratio >= target) return 'var(--good)';
  const shortfall = Math.min(1, (target - ratio) / Math.max(0.05, target * 0.35));
  return `color-mix(in oklab, var(--bad) ${Math.round(shortfall * 100)}%, var(--warn))`;
}

const PALETTE_SIZE = 12;

/** Colour of the n-th instance; they repeat after twelve. */
export function instanceColour(index: number): string {
  return `var(--i${index % PALETTE_SIZE})`;
}
