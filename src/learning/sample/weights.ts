// A model on its way: its weights as 64-bit floats, little-endian. What is no model of this size, or has a weight that is no number, is
// none.

import { WEIGHTS } from './softmax.ts';

const BYTES = 8;
/** A model in bytes. */
export const MODEL_BYTES = WEIGHTS * BYTES;

/** The weights as bytes. */
export function encodeWeights(weights: Float64Array): Buffer {
  const bytes = Buffer.alloc(MODEL_BYTES);
  for (let i = 0; i < WEIGHTS; i++) bytes.writeDoubleLE(weights[i] as number, i * BYTES);
  return bytes;
}

/** @returns in words what is wrong with it, where it is no model */
export function decodeWeights(bytes: Buffer): Float64Array | string {
  if (bytes.length !== MODEL_BYTES) return `expected ${MODEL_BYTES} bytes, got ${bytes.length}`;
  const weights = Float64Array.from({ length: WEIGHTS }, (_, i) => bytes.readDoubleLE(i * BYTES));
  const odd = weights.findIndex((weight) => !(Math.abs(weight) < WEIGHT_MAX));
  return odd < 0 ? weights : `weight ${odd} is ${weights[odd]}`;
}

/** No training gets there. */
const WEIGHT_MAX = 1e6;
