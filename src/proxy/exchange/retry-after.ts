// `Retry-After` of an instance: it asks to be left alone for a while (RFC 9110 section 10.2.3).

/** Longer than this no instance is left alone, even when it asks for more. */
const REST_MS_MAX = 60_000;

const ASKING: ReadonlySet<number> = new Set([408, 429, 503]);

/** Statuses with which an instance speaks of itself, and not of what was asked for. */
export function isAskingForRest(status: number): boolean {
  return ASKING.has(status);
}

/** For how long, ms; 0 when the fields do not say so. `wallMs`: now, for a date. */
export function restMs(fields: readonly string[], wallMs: number): number {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() !== 'retry-after') continue;
    const value = fields[i + 1] ?? '';
    const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - wallMs;
    return Number.isNaN(ms) ? 0 : Math.min(REST_MS_MAX, Math.max(0, ms));
  }
  return 0;
}
