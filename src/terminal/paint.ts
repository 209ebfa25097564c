// Colour with restraint: only on a terminal that has colours, and NO_COLOR is heard.

import { styleText } from 'node:util';

/** What a text means; a colour where colours are wanted. */
export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'notice' | 'bad';

/** The text in its tone; as it is where colours are not wanted. Never changes its visible width. */
export type Paint = (tone: Tone, text: string) => string;

const STYLES = {
  dim: ['dim'],
  strong: ['bold'],
  good: ['green'],
  notice: ['yellow'],
  bad: ['red'],
} as const;

/** No colours at all. */
export const plainPaint: Paint = (_, text) => text;

export const ansiPaint: Paint = (tone, text) =>
  tone === 'plain' || text === '' ? text : styleText([...STYLES[tone]], text, { validateStream: false });

/** Node hears NO_COLOR, FORCE_COLOR and TERM in `hasColors`. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return stream.isTTY && stream.hasColors() ? ansiPaint : plainPaint;
}

/** Where output is not a terminal nothing is left out or broken for want of room. */
const WIDTH_UNLIMITED = 100_000;

/** Characters a line may have. */
export function widthOf({ columns }: NodeJS.WriteStream): number {
  // A terminal that does not know its size reports 0.
  return columns || WIDTH_UNLIMITED;
}
