// Numbers as people read them. An en dash stands for what is not known.

/** Stands for what is not known. */
export const UNKNOWN = '–';

/** `ratio` in [0, 1]. Never rounds up to 100 % what is not. */
export function percent(ratio: number | null | undefined, digits = 0): string {
  if (ratio === null || ratio === undefined) return UNKNOWN;
  const scale = 10 ** digits;
  const value = ratio < 1 ? Math.min(Math.round(ratio * 100 * scale) / scale, 100 - 1 / scale) : 100;
  return `${value.toFixed(ratio >= 1 ? 0 : digits)} %`;
}

/** `12.3 ms`; a dash for null. */
export function milliseconds(value: number | null): string {
  if (value === null) return UNKNOWN;
  if (value === 0) return '0 ms';
  return value < 9.95 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

/** `1.3`, `1,234`; a dash for null. */
export function perSecond(value: number | null): string {
  if (value === null) return UNKNOWN;
  return value < 9.95 ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}

/** With separators between thousands. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** `3 d 4 h`, `12 min`, `8 s`: the two largest units. */
export function duration(valueMs: number): string {
  const seconds = Math.max(0, Math.round(valueMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** `1.2 MiB`; a dash for null. */
export function bytes(value: number | null): string {
  if (value === null) return UNKNOWN;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${scaled < 10 && unit > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${units[unit]}`;
}

/** A figure of a policy's own, `unloadedMs` of 11.3, as `Unloaded` and `11 ms`. */
export function policyFigure(name: string, value: number): readonly [name: string, value: string] {
  const inMs = name.endsWith('Ms');
  const words = (inMs ? name.slice(0, -2) : name).replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  const text = Number.isInteger(value) ? String(value) : value.toPrecision(3);
  return [words.charAt(0).toUpperCase() + words.slice(1), inMs ? milliseconds(value) : text];
}

/** Local wall time, `14:03:07`. */
export function clockTime(timeMs: number): string {
  return new Date(timeMs).toLocaleTimeString('en-GB');
}
