// Where nodes stand, in three geographies, as round trips relative to a limit of 1.

import type { Rng } from '../../../src/core/rng.ts';
import { sample, uniform } from '../../../src/sim/random.ts';
import { distanceKm, EUROPEAN_CITIES } from '../../../src/sim/world/cities.ts';

export interface Places {
  readonly nodes: readonly string[];
  /** Node × node. */
  readonly rttMs: readonly (readonly number[])[];
  /** Nodes that carry a load balancer, and nodes that carry an instance. */
  readonly balancers: readonly number[];
  readonly instances: readonly number[];
}

export interface PlacesOptions {
  readonly balancers: number;
  readonly instances: number;
}

export const GEOGRAPHIES = ['cities', 'regions', 'tiers'] as const;
export type Geography = (typeof GEOGRAPHIES)[number];

const LOCAL = 0.006;

export function drawPlaces(rng: Rng, geography: Geography, options: PlacesOptions): Places {
  switch (geography) {
    case 'cities':
      return cities(rng, options);
    case 'regions':
      return regions(rng, options);
    case 'tiers':
      return tiers(rng, options);
  }
}

export function scaled({ rttMs, ...rest }: Places, latencyMs: number): Places {
  const rounded = (rtt: number): number => Number((rtt * latencyMs).toPrecision(4));
  return { ...rest, rttMs: rttMs.map((row) => row.map(rounded)) };
}

/** European cities with a limit of 80 ms, more nodes than cities in the same places again; instances on random nodes. */
function cities(rng: Rng, { balancers, instances }: PlacesOptions): Places {
  const count = Math.max(balancers, instances);
  const chosen = sample(rng, EUROPEAN_CITIES, count);
  while (chosen.length < count) chosen.push(...sample(rng, EUROPEAN_CITIES, count - chosen.length));
  const access = chosen.map(() => uniform(rng, 0, 2));
  const rttMs = symmetric(count, (a, b) => {
    const [x, y] = [chosen[a], chosen[b]];
    if (x === undefined || y === undefined) throw new RangeError(`no city ${a} or ${b} of ${count}`);
    const fibreMs = (distanceKm(x, y) / 100) * uniform(rng, 1.5, 2.2);
    return (fibreMs + uniform(rng, 1, 3) + (access[a] as number) + (access[b] as number)) / 80;
  });
  return onNodes(rng, rttMs, { balancers, instances });
}

/** A few regions, near within and far between them. */
function regions(rng: Rng, { balancers, instances }: PlacesOptions): Places {
  const count = Math.max(balancers, instances);
  const many = 2 + Math.floor(4 * rng.next());
  const region = Array.from({ length: count }, () => Math.floor(many * rng.next()));
  const between = symmetric(many, () => uniform(rng, 0.2, 1.1));
  const rttMs = symmetric(count, (a, b) => {
    const [x, y] = [region[a] as number, region[b] as number];
    return x === y ? uniform(rng, 0.02, 0.15) : (between[x]?.[y] as number) * uniform(rng, 0.9, 1.1);
  });
  return onNodes(rng, rttMs, { balancers, instances });
}

/** Each node near its own edge site, farther from the sites of the region, far from the cloud, which has half of the instances. */
function tiers(rng: Rng, { balancers, instances }: PlacesOptions): Places {
  const count = balancers + instances;
  const cloud = Array.from({ length: count }, (_, n) => n >= balancers && rng.next() < 0.5);
  const away = uniform(rng, 0.3, 0.7);
  const rttMs = symmetric(count, (a, b) => {
    if (cloud[a] === true || cloud[b] === true) return away * uniform(rng, 0.9, 1.1);
    return uniform(rng, 0.01, 0.3);
  });
  return {
    nodes: namesOf(count),
    rttMs,
    balancers: Array.from({ length: balancers }, (_, n) => n),
    instances: Array.from({ length: instances }, (_, n) => balancers + n),
  };
}

function onNodes(rng: Rng, rttMs: number[][], { balancers, instances }: PlacesOptions): Places {
  const all = rttMs.map((_, n) => n);
  return {
    nodes: namesOf(all.length),
    rttMs,
    balancers: sample(rng, all, balancers),
    instances: sample(rng, all, instances),
  };
}

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, n) => `n${n + 1}`);

function symmetric(count: number, draw: (a: number, b: number) => number): number[][] {
  const matrix = Array.from({ length: count }, () => new Array<number>(count).fill(LOCAL));
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      const value = draw(a, b);
      (matrix[a] as number[])[b] = value;
      (matrix[b] as number[])[a] = value;
    }
  }
  return matrix;
}
