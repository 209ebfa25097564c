// How far the data of a cluster is from the data of all: Kullback–Leibler divergence of the classes (AIoTwin D1.3, section 3.2).

import type { LearningNode } from './topology.ts';

/** What stands for a share of 0: the logarithm has to be finite. Shares are not normalised again after it. */
export const ABSENT_SHARE = 0.0001;

/** Samples by class of each client, and of all together. */
export interface ClassCounts {
  /** Clients in the order of the topology; classes that any has samples of, in the order of their first appearance. */
  readonly byClient: readonly Float64Array[];
  readonly total: Float64Array;
}

/** Counts the samples of all clients. */
export function countClasses(clients: readonly LearningNode[]): ClassCounts {
  const present = clients.flatMap(({ samples }) => [...samples].flatMap(([name, count]) => (count > 0 ? [name] : [])));
  const classes = [...new Set(present)];
  const byClient = clients.map(({ samples }) => Float64Array.from(classes, (name) => samples.get(name) ?? 0));
  const total = new Float64Array(classes.length);
  for (const counts of byClient) addTo(total, counts);
  return { byClient, total };
}

/** The samples of these clients together, by class. */
export function countsOf(members: readonly number[], { byClient, total }: ClassCounts): Float64Array {
  const sum = new Float64Array(total.length);
  for (const client of members) addTo(sum, byClient[client] as Float64Array);
  return sum;
}

/** Adds `counts` to `sum`, class by class. */
export function addTo(sum: Float64Array, counts: Float64Array): void {
  for (let c = 0; c < sum.length; c++) sum[c] = (sum[c] as number) + (counts[c] as number);
}

/** Computes Σ p·ln(p/q) of a cluster's classes against those of all; 0 where they are the same. */
export class Divergence {
  readonly #share: Float64Array;

  /** @param total samples of all clients by class */
  constructor(total: Float64Array) {
    const all = sumOf(total);
    this.#share = total.map((count) => count / all);
  }

  /** @param counts samples of the cluster by class; 0 samples in all: +Infinity */
  of(counts: Float64Array): number {
    const all = sumOf(counts);
    if (all === 0) return Number.POSITIVE_INFINITY;
    let divergence = 0;
    for (let c = 0; c < counts.length; c++) {
      const q = this.#share[c] as number;
      const share = (counts[c] as number) / all;
      const p = share === 0 ? ABSENT_SHARE : share;
      divergence += p * Math.log(p / q);
    }
    return divergence;
  }
}

function sumOf(counts: Float64Array): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
