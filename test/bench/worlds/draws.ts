// What draws of worlds have in common.

import type { Rng } from '../../../src/core/rng.ts';

export function logUniform(rng: Rng, low: number, high: number): number {
  return low * (high / low) ** rng.next();
}

export function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[Math.floor(rng.next() * items.length)] as T;
}
