// Where the nodes are, how far from one another, and which of them carry instances.
//
// A generated topology puts nodes in random European cities: RTT = 2·d/200 km per ms (light in fibre, both ways) × a stretch of the
// path that is fixed for the pair + the access networks. Instances go to the greedy k-center (Gonzalez 1985): again and again the
// node farthest from the instances so far. A draw counts only when each node has an instance in reach of the limit.

import type { Rng } from '../../core/rng.ts';
import { createStream, sample, uniform } from '../random.ts';
import { distanceKm, EUROPEAN_CITIES } from './cities.ts';

export interface Topology {
  readonly nodes: readonly string[];
  /** Round trips in ms, node × node, row by row; +Infinity where there is no way. */
  readonly rttMs: Float64Array;
  /** Indices of the nodes that carry an instance from the start, in the order of placement. */
  readonly centers: readonly number[];
}

export interface GeneratedTopologyOptions {
  readonly nodes: number;
  readonly instances: number;
  /** What a request may take in all, ms, and what an idle instance takes of that. */
  readonly latencyMsMax: number;
  readonly idleProcessingMs: number;
  readonly seed: number;
}

const LOCAL_RTT_MS = 0.5;
const FIBRE_KM_PER_MS = 200;
const DRAWS_MAX = 1_000;

/** No draw put every node in reach of an instance. */
export class NoTopologyError extends Error {
  constructor({ instances, seed }: GeneratedTopologyOptions, reachMs: number) {
    super(
      `no topology with every node within ${reachMs} ms of one of ${instances} instances: seed ${seed}, ${DRAWS_MAX} draws`,
    );
    this.name = 'NoTopologyError';
  }
}

/** @throws NoTopologyError */
export function generateTopology(options: GeneratedTopologyOptions): Topology {
  const rng = createStream(options.seed, 'topology');
  const reachMs = options.latencyMsMax - options.idleProcessingMs;
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const { nodes, rttMs } = drawNodes(rng, options.nodes);
    const centers = greedyCenters(rttMs, {
      nodes: options.nodes,
      count: options.instances,
      first: Math.floor(rng.next() * options.nodes),
    });
    if (radiusMs(rttMs, options.nodes, centers) <= reachMs) return { nodes, rttMs, centers };
  }
  throw new NoTopologyError(options, reachMs);
}

function drawNodes(rng: Rng, count: number): { nodes: string[]; rttMs: Float64Array } {
  const cities = sample(rng, EUROPEAN_CITIES, count);
  // More nodes than cities: further ones stand in the same places, each with links of its own.
  while (cities.length < count) cities.push(...sample(rng, EUROPEAN_CITIES, count - cities.length));
  const times = new Map<string, number>();
  const nodes = cities.map(({ name }) => {
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    return time === 1 ? name : `${name}-${time}`;
  });
  const accessMs = cities.map(() => uniform(rng, 0, 2));
  const rttMs = new Float64Array(count * count);
  for (let a = 0; a < count; a++) {
    rttMs[a * count + a] = LOCAL_RTT_MS;
    for (let b = a + 1; b < count; b++) {
      const km = distanceKm(at(cities, a), at(cities, b));
      const fibreMs = ((2 * km) / FIBRE_KM_PER_MS) * uniform(rng, 1.5, 2.2);
      const rtt = fibreMs + uniform(rng, 1, 3) + at(accessMs, a) + at(accessMs, b);
      rttMs[a * count + b] = rtt;
      rttMs[b * count + a] = rtt;
    }
  }
  return { nodes, rttMs };
}

/** Greedy k-center: `count` nodes, the first given, each next one the farthest from those before. */
export function greedyCenters(
  rttMs: Float64Array,
  { nodes, count, first }: { readonly nodes: number; readonly count: number; readonly first: number },
): number[] {
  const centers = [first];
  const nearest = rttMs.slice(first * nodes, (first + 1) * nodes);
  while (centers.length < Math.min(count, nodes)) {
    let farthest = -1;
    for (let n = 0; n < nodes; n++) {
      if (centers.includes(n)) continue;
      if (farthest < 0 || (nearest[n] as number) > (nearest[farthest] as number)) farthest = n;
    }
    centers.push(farthest);
    for (let n = 0; n < nodes; n++) {
      nearest[n] = Math.min(nearest[n] as number, rttMs[farthest * nodes + n] as number);
    }
  }
  return centers;
}

/** The longest way, ms, from any node to its nearest center. */
export function radiusMs(rttMs: Float64Array, nodes: number, centers: readonly number[]): number {
  let radius = 0;
  for (let n = 0; n < nodes; n++) {
    radius = Math.max(radius, Math.min(...centers.map((center) => rttMs[n * nodes + center] as number)));
  }
  return radius;
}

function at<T>(items: readonly T[], index: number): T {
  return items[index] as T;
}
