// Distributions on top of the core's seeded generator, and independent streams out of one seed.

import { createRng, type Rng } from '../core/rng.ts';

/** A generator of its own for one purpose, so that drawing more numbers for one thing leaves all others as they were. */
export function createStream(seed: number, purpose: string, index = 0): Rng {
  // FNV-1a over the purpose, then the seed and the index mixed in; sfc32's own seeding spreads the result.
  let hash = 0x811c9dc5;
  for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (seed | 0), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ (index | 0), 0xc2b2ae35);
  return createRng(hash ^ (hash >>> 16));
}

/** Uniform in [low, high). */
export function uniform(rng: Rng, low: number, high: number): number {
  return low + (high - low) * rng.next();
}

/** Exponential of the given mean; 0 for mean 0. */
export function exponential(rng: Rng, mean: number): number {
  return mean === 0 ? 0 : -mean * Math.log(1 - rng.next());
}

/** Standard normal, Box–Muller. */
export function normal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
}

/** A lognormal by what people measure: mean and coefficient of variation. */
export interface Lognormal {
  readonly mu: number;
  readonly sigma: number;
}

/** The lognormal distribution of this mean and coefficient of variation (both > 0). */
export function lognormalOf(mean: number, cv: number): Lognormal {
  const variance = Math.log(1 + cv * cv);
  return { mu: Math.log(mean) - variance / 2, sigma: Math.sqrt(variance) };
}

/** A draw, in the unit of the mean. */
export function lognormal(rng: Rng, { mu, sigma }: Lognormal): number {
  return sigma === 0 ? Math.exp(mu) : Math.exp(mu + sigma * normal(rng));
}

/** Pareto of the given mean; `shape` above 1, and a variance only above 2. */
export function pareto(rng: Rng, mean: number, shape: number): number {
  return ((mean * (shape - 1)) / shape) * (1 - rng.next()) ** (-1 / shape);
}

/** `count` different ones of `items`, in random order (partial Fisher–Yates); all of them when there are fewer. */
export function sample<T>(rng: Rng, items: readonly T[], count: number): T[] {
  const pool = [...items];
  const taken = Math.min(count, pool.length);
  for (let i = 0; i < taken; i++) {
    const j = i + Math.floor(rng.next() * (pool.length - i));
    [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
  }
  return pool.slice(0, taken);
}
