// Figures as the commands print them; a dash stands for what is not known.

import type { InstanceState } from '../core/service-router.ts';
import { standingOf } from '../core/standing.ts';
import type { Cell } from '../terminal/columns.ts';
import type { Tone } from '../terminal/paint.ts';
import { percentText } from '../terminal/percent.ts';

const UNKNOWN = '-';

/** `97.3 %`; a dash for null. */
export function percent(ratio: number | null, digits = 1): string {
  return ratio === null ? UNKNOWN : percentText(ratio, digits);
}

/** `12.3 ms`; a dash for null. */
export function milliseconds(value: number | null): string {
  return value === null ? UNKNOWN : `${value.toFixed(value < 9.95 ? 1 : 0)} ms`;
}

/** `8 s`, `12 min`, `3 h 4 min`, `2 d 5 h`. */
export function duration(valueMs: number): string {
  const seconds = Math.round(valueMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** A text with its tone. */
export function cell(text: string, tone: Tone = 'plain'): Cell {
  return { text, tone };
}

/** Green where the target is met, red where it is not. */
export function ratioCell(ratio: number | null, target: number): Cell {
  return cell(percent(ratio), ratio === null ? 'dim' : ratio >= target ? 'good' : 'bad');
}

const TONES = { good: 'good', explore: 'notice', warn: 'notice', bad: 'bad', out: 'dim' } as const;

/** What an instance is doing, in a word and its tone. */
export function standingCell(instance: InstanceState): Cell {
  const { word, kind } = standingOf(instance);
  return cell(word, TONES[kind]);
}

/** Measured round trips plain, assumed ones marked. */
export function distanceOf({ rttMs, rttKnown }: InstanceState): string {
  return rttKnown ? milliseconds(rttMs) : `~${milliseconds(rttMs)}`;
}
