// Clusters of clients whose data looks like the data of all: the partition with the least mean divergence, by exhaustive search where
// there are few, else by annealing (AIoTwin D1.3, section 3.2). Among equals the cheapest.

import { anneal } from './annealing/anneal.ts';
import type { Links } from './annealing/swaps.ts';
import { cheapestAssignment } from './assignment.ts';
import { addTo, type ClassCounts, countsOf, Divergence } from './divergence.ts';
import { clusterSizes, forEachPartition, partitionCount } from './partitions.ts';
import { cheapestClusters } from './transport.ts';

/** Clients by index, in clusters; cluster k belongs to aggregator k. */
export interface Clustering {
  readonly clusters: readonly (readonly number[])[];
  /** Mean over the clusters of Σ p·ln(p/q). */
  readonly divergence: number;
}

export interface ClusteringTask {
  readonly counts: ClassCounts;
  /** Units per MB, client by aggregator; +Infinity where there is no link. */
  readonly cost: readonly (readonly number[])[];
  readonly aggregators: number;
  /** Seed of the annealing. */
  readonly seed: number;
}

/** As many partitions as are looked at one by one. */
const EXHAUSTIVE_MAX = 1_000_000;
/** Divergences nearer than this are the same, but for rounding. */
const SAME = 1e-12;

/** @returns null where some client cannot reach the aggregator that it would need */
export function leastDivergence(task: ClusteringTask): Clustering | null {
  const sizes = clusterSizes(task.counts.byClient.length, task.aggregators);
  const best = new Best(task);
  if (partitionCount(sizes) <= EXHAUSTIVE_MAX) exhaustive(task, sizes, best);
  else annealed(task, sizes, best);
  return best.clustering;
}

/** The clients at the aggregators so that their links cost least in all; each has room for its even share, rounded up. */
export function leastCost({ counts, cost, aggregators }: ClusteringTask): Clustering | null {
  const clusters = cheapestClusters(cost, { places: Math.ceil(cost.length / aggregators), extras: 0 });
  return clusters === null ? null : { clusters, divergence: meanDivergence(clusters, counts) };
}

/** Mean over clusters; +Infinity where one is empty. */
export function meanDivergence(clusters: readonly (readonly number[])[], counts: ClassCounts): number {
  const divergence = new Divergence(counts.total);
  const sum = clusters.reduce((all, members) => all + divergence.of(countsOf(members, counts)), 0);
  return sum / clusters.length;
}

/** The best partition so far: least divergence, then least cost with each cluster at the aggregator that suits it. */
class Best {
  readonly #task: ClusteringTask;
  #clusters: number[][] | null = null;
  #divergence = Number.POSITIVE_INFINITY;
  #cost = Number.POSITIVE_INFINITY;

  constructor(task: ClusteringTask) {
    this.#task = task;
  }

  /** Keeps it, where it is better; `clusters` may be the visitor's own. */
  offer(clusters: readonly (readonly number[])[], divergence: number): void {
    if (divergence > this.#divergence + SAME) return;
    const placed = this.#place(clusters);
    if (placed === null) return;
    const better = divergence < this.#divergence - SAME;
    if (!better && !(placed.cost < this.#cost)) return;
    this.#clusters = placed.clusters;
    this.#divergence = better ? divergence : Math.min(this.#divergence, divergence);
    this.#cost = placed.cost;
  }

  get clustering(): Clustering | null {
    return this.#clusters === null ? null : { clusters: this.#clusters, divergence: this.#divergence };
  }

  #place(clusters: readonly (readonly number[])[]): { readonly clusters: number[][]; readonly cost: number } | null {
    const { aggregators, cost } = this.#task;
    const costs = clusters.map((members) =>
      Array.from({ length: aggregators }, (_, k) =>
        members.reduce((sum, client) => sum + (cost[client]?.[k] as number), 0),
      ),
    );
    const columnOf = cheapestAssignment(costs);
    if (columnOf === null) return null;
    const placed: number[][] = Array.from({ length: aggregators }, () => []);
    let total = 0;
    for (const [cluster, column] of columnOf.entries()) {
      placed[column] = [...(clusters[cluster] as readonly number[])];
      total += costs[cluster]?.[column] as number;
    }
    return { clusters: placed, cost: total };
  }
}

function exhaustive({ counts }: ClusteringTask, sizes: readonly number[], best: Best): void {
  const divergence = new Divergence(counts.total);
  const scratch = new Float64Array(counts.total.length);
  forEachPartition(sizes, {
    cluster: (members, sum) => {
      scratch.fill(0);
      for (const client of members) addTo(scratch, counts.byClient[client] as Float64Array);
      return sum + divergence.of(scratch);
    },
    whole: (clusters, sum) => best.offer(clusters, sum / sizes.length),
  });
}

function annealed({ counts, cost, seed }: ClusteringTask, sizes: readonly number[], best: Best): void {
  const links = linksOf(cost);
  if (links === 'none') return;
  const clusters: number[][] = sizes.map(() => []);
  for (const [client, cluster] of anneal(counts, sizes, { seed, links }).entries()) clusters[cluster]?.push(client);
  best.offer(clusters, meanDivergence(clusters, counts));
}

/** Where links are missing, the search begins with the cheapest clusters of equal size; null: all links are there. */
function linksOf(cost: ClusteringTask['cost']): Links | null | 'none' {
  const has = (client: number, k: number): boolean => cost[client]?.[k] !== Number.POSITIVE_INFINITY;
  if (cost.every((row, client) => row.every((_, k) => has(client, k)))) return null;
  const aggregators = cost[0]?.length ?? 0;
  const room = { places: Math.floor(cost.length / aggregators), extras: cost.length % aggregators };
  const clusters = cheapestClusters(cost, room);
  if (clusters === null) return 'none';
  const start = new Int32Array(cost.length);
  for (const [k, members] of clusters.entries()) for (const client of members) start[client] = k;
  return { start, has };
}
