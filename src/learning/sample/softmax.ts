// Softmax regression: a weight for each pixel and each digit, trained by stochastic gradient descent.

import type { Rng } from '../../core/rng.ts';
import { DIGITS, type Digit, PIXELS } from './digits.ts';

/** Weights of each digit, and its bias behind them. */
const STRIDE = PIXELS + 1;
export const WEIGHTS = DIGITS * STRIDE;

/** How well a model reads. */
export interface Quality {
  readonly accuracy: number;
  /** Mean cross entropy. */
  readonly loss: number;
}

/** Trains in place, `epochs` times over all digits in a new order each time. */
export function train(
  weights: Float64Array,
  digits: readonly Digit[],
  { epochs, rate, rng }: { readonly epochs: number; readonly rate: number; readonly rng: Rng },
): void {
  const shares = new Float64Array(DIGITS);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const { pixels, digit } of shuffled(digits, rng)) {
      predict(weights, pixels, shares);
      for (let k = 0; k < DIGITS; k++) {
        const step = rate * ((k === digit ? 1 : 0) - (shares[k] as number));
        const from = k * STRIDE;
        for (let p = 0; p < PIXELS; p++)
          weights[from + p] = (weights[from + p] as number) + step * (pixels[p] as number);
        weights[from + PIXELS] = (weights[from + PIXELS] as number) + step;
      }
    }
  }
}

/** Accuracy and loss over digits that were not trained with. */
export function qualityOf(weights: Float64Array, digits: readonly Digit[]): Quality {
  const shares = new Float64Array(DIGITS);
  let right = 0;
  let loss = 0;
  for (const { pixels, digit } of digits) {
    predict(weights, pixels, shares);
    if (shares.indexOf(Math.max(...shares)) === digit) right++;
    loss -= Math.log(Math.max(1e-12, shares[digit] as number));
  }
  return { accuracy: right / digits.length, loss: loss / digits.length };
}

/** The mean of models, each as heavy as the samples that it was trained with (McMahan et al. 2017, FedAvg). */
export function average(models: readonly { readonly weights: Float64Array; readonly samples: number }[]): Float64Array {
  const all = models.reduce((sum, { samples }) => sum + samples, 0);
  const mean = new Float64Array(WEIGHTS);
  for (const { weights, samples } of models) {
    for (let i = 0; i < WEIGHTS; i++) mean[i] = (mean[i] as number) + ((weights[i] as number) * samples) / all;
  }
  return mean;
}

/** Shares of the digits for these pixels, into `shares`. */
function predict(weights: Float64Array, pixels: Float64Array, shares: Float64Array): void {
  let highest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < DIGITS; k++) {
    const from = k * STRIDE;
    let score = weights[from + PIXELS] as number;
    for (let p = 0; p < PIXELS; p++) score += (weights[from + p] as number) * (pixels[p] as number);
    shares[k] = score;
    highest = Math.max(highest, score);
  }
  let sum = 0;
  for (let k = 0; k < DIGITS; k++) {
    shares[k] = Math.exp((shares[k] as number) - highest);
    sum += shares[k] as number;
  }
  for (let k = 0; k < DIGITS; k++) shares[k] = (shares[k] as number) / sum;
}

function shuffled(digits: readonly Digit[], rng: Rng): Digit[] {
  const order = [...digits];
  // Fisher–Yates.
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(rng.next() * (i + 1));
    [order[i], order[j]] = [order[j] as Digit, order[i] as Digit];
  }
  return order;
}
