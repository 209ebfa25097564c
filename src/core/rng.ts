// Randomness as an argument: a seeded generator, so that every run of the core can be repeated.

/** A source of random numbers. */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
}

/**
 * sfc32 ("small fast counting", Chris Doty-Humphrey, PractRand): 128 bits of state, period at least 2^32.
 * The seed is spread by splitmix32 and the first twelve outputs are dropped, as its author advises.
 */
export function createRng(seed: number): Rng {
  let a = 0;
  let b = 0;
  let c = 0;
  let counter = 1;
  let spread = seed | 0;
  const splitmix32 = (): number => {
    spread = (spread + 0x9e3779b9) | 0;
    let t = spread ^ (spread >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) | 0;
  };
  a = splitmix32();
  b = splitmix32();
  c = splitmix32();
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4_294_967_296;
  };
  for (let i = 0; i < 12; i++) next();
  return { next };
}
