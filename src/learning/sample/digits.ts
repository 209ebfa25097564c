// Digits to learn from, drawn instead of collected: ten shapes of 5 × 7 pixels on 8 × 8, each at another place, thinner or thicker,
// with noise. The same seed draws the same digits.

import { createRng, type Rng } from '../../core/rng.ts';

/** Pixels in [0, 1], and which digit it is. */
export interface Digit {
  readonly pixels: Float64Array;
  readonly digit: number;
}

const SIDE = 8;
export const PIXELS = SIDE * SIDE;
export const DIGITS = 10;
/** Share of the noise in a pixel: with it some digits cannot be read, and a straight model reaches some 90 %. */
const NOISE = 0.35;

/** Rows of five pixels as bits. */
const SHAPES: readonly (readonly number[])[] = [
  [14, 17, 19, 21, 25, 17, 14],
  [4, 12, 4, 4, 4, 4, 14],
  [14, 17, 1, 2, 4, 8, 31],
  [31, 2, 4, 2, 1, 17, 14],
  [2, 6, 10, 18, 31, 2, 2],
  [31, 16, 30, 1, 1, 17, 14],
  [6, 8, 16, 30, 17, 17, 14],
  [31, 1, 2, 4, 8, 8, 8],
  [14, 17, 17, 14, 17, 17, 14],
  [14, 17, 17, 15, 1, 2, 12],
];

/** Draws so many of each digit: `{ 0: 10, 4: 100 }`. What is no digit is left out. */
export function drawDigits(counts: ReadonlyMap<number, number>, seed: number): Digit[] {
  const rng = createRng(seed);
  return [...counts].flatMap(([digit, count]) =>
    SHAPES[digit] === undefined ? [] : Array.from({ length: count }, () => ({ pixels: drawn(digit, rng), digit })),
  );
}

function drawn(digit: number, rng: Rng): Float64Array {
  const pixels = new Float64Array(PIXELS);
  const [right, down] = [1 + Math.floor(rng.next() * 2), Math.floor(rng.next() * 2)];
  const strength = 0.6 + 0.4 * rng.next();
  for (const [row, bits] of (SHAPES[digit] as readonly number[]).entries()) {
    for (let column = 0; column < 5; column++) {
      if ((bits & (16 >> column)) !== 0) pixels[(row + down) * SIDE + column + right] = strength;
    }
  }
  return pixels.map((pixel) => (1 - NOISE) * pixel + NOISE * rng.next());
}
