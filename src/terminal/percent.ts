// Shares as people read them.

/** `97.3 %`. Never rounds up to 100 % what is not. */
export function percentText(ratio: number, digits: number): string {
  const scale = 10 ** digits;
  const value = ratio < 1 ? Math.min(Math.round(ratio * 100 * scale) / scale, 100 - 1 / scale) : 100 * ratio;
  return `${value.toFixed(ratio === 1 ? 0 : digits)} %`;
}
