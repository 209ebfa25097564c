// Where swaps of two clients find nothing better, exchanges of a few at once still do: up to four of a cluster for as many of another, of
// which there are 25 million for two clusters of 20. They need not be weighed one by one: near the least, the divergence of a cluster is
// half of |d|², where d is what its samples are away from their share, class by class, over √q and over all its samples. So the best
// exchange is of the two groups that differ most nearly by what the two clusters are apart. The divergence itself decides whether it is made.

import type { Rng } from '../../../core/rng.ts';
import { type ClassCounts, countsOf, Divergence } from '../divergence.ts';
import { clientsOf, groupCount, groupsOf, nearestGroups } from './groups.ts';
import type { Links } from './swaps.ts';

/** A larger cluster takes part with so many clients, drawn each time. */
const MEMBERS_MAX = 20;
/** Numbers that the groups of a cluster are kept in; where there are many classes, groups are smaller. */
const NUMBERS_MAX = 2_000_000;
/** To try two clusters costs as much as so many looks, beside those. */
const LOOKS_BESIDE = 2_000;
/** Changes below this are rounding. */
const SAME = 1e-15;
const NEARER = 1 - 1e-9;

/** What may be exchanged, and for how long. */
export interface ExchangeTask {
  readonly counts: ClassCounts;
  /** null: all clients can be in all clusters */
  readonly links: Links | null;
  readonly rng: Rng;
  /** The largest group; smaller ones are tried first, until none is better. */
  readonly groupMax: number;
  /** So many numbers are looked at, about; 300 million are a second of a processor. */
  readonly looksMax: number;
}

/**
 * Exchanges groups of clients between clusters until none of `groupMax` or less is better. Sizes stay as they are.
 *
 * @param clusterOf the cluster of each client; is changed
 * @returns the sum of the divergences of all clusters
 */
export function descendByExchanges(clusterOf: Int32Array, task: ExchangeTask): number {
  const descent = new Descent(clusterOf, task);
  for (let size = Math.min(2, task.groupMax); size <= task.groupMax; size++) descent.run(size);
  for (const [k, members] of descent.members.entries()) for (const client of members) clusterOf[client] = k;
  return descent.sum;
}

type Pair = readonly [number, number];

class Descent {
  readonly members: number[][];
  readonly #task: ExchangeTask;
  readonly #divergence: Divergence;
  readonly #sums: Float64Array[];
  readonly #away: readonly Float64Array[];
  #looks = 0;

  constructor(clusterOf: Int32Array, task: ExchangeTask) {
    this.#task = task;
    this.#divergence = new Divergence(task.counts.total);
    this.members = Array.from({ length: Math.max(...clusterOf) + 1 }, () => []);
    for (const [client, cluster] of clusterOf.entries()) this.members[cluster]?.push(client);
    this.#sums = this.members.map((members) => countsOf(members, task.counts));
    this.#away = awayOf(task.counts);
  }

  get sum(): number {
    return this.#sums.reduce((sum, counts) => sum + this.#divergence.of(counts), 0);
  }

  /** Goes through the pairs of clusters, again and again, until no exchange of groups up to this size makes one better. */
  run(groupMax: number): void {
    const clusters = this.members.length;
    /** The round in which a cluster was changed last. */
    const changed = new Int32Array(clusters);
    for (let round = 1, better = true; better; round++) {
      better = false;
      for (let j = 1; j < clusters; j++) {
        for (let k = 0; k < j; k++) {
          if (this.#looks++ >= this.#task.looksMax) return;
          if (Math.max(changed[j] as number, changed[k] as number) < round - 1) continue;
          if (!this.#exchange([j, k], groupMax)) continue;
          better = true;
          changed[j] = changed[k] = round;
        }
      }
    }
  }

  /** Makes the best exchange of these two clusters. @returns whether it made them better */
  #exchange([j, k]: Pair, groupMax: number): boolean {
    this.#looks += LOOKS_BESIDE;
    const [from, to] = [this.#movable(j, k), this.#movable(k, j)];
    const lack = this.#lackOf(j, k);
    let least = lack.reduce((sum, one) => sum + one ** 2, 0) * NEARER;
    let best: readonly [number[], number[]] | null = null;
    for (let size = 1; size <= Math.min(groupMax, from.length, to.length); size++) {
      if (groupCount(Math.max(from.length, to.length), size) * lack.length > NUMBERS_MAX) break;
      const [out, into] = [groupsOf(from, size, this.#away), groupsOf(to, size, this.#away)];
      const nearest = nearestGroups([out, into], lack, least);
      this.#looks += nearest.looks + (out.count + into.count) * lack.length;
      if (nearest.pair === null) continue;
      least = nearest.least;
      best = [clientsOf(out, nearest.pair[0]), clientsOf(into, nearest.pair[1])];
    }
    return best !== null && this.#make([j, k], best);
  }

  /** What cluster j would have to gain from k for both to be as near as can be to the shares of all. */
  #lackOf(j: number, k: number): Float64Array {
    const weightOf = (cluster: number): number =>
      (this.#sums[cluster] as Float64Array).reduce((sum, count) => sum + count, 0) ** 2;
    const [ofJ, ofK] = [weightOf(j), weightOf(k)];
    const lack = new Float64Array(this.#task.counts.total.length);
    this.#looks += lack.length * ((this.members[j]?.length ?? 0) + (this.members[k]?.length ?? 0));
    const add = (cluster: number, share: number): void => {
      for (const client of this.members[cluster] as number[]) {
        for (const [c, one] of (this.#away[client] as Float64Array).entries())
          lack[c] = (lack[c] as number) + share * one;
      }
    };
    add(k, ofJ / (ofJ + ofK));
    add(j, -ofK / (ofJ + ofK));
    return lack;
  }

  #make([j, k]: Pair, [out, into]: readonly [number[], number[]]): boolean {
    const nextJ = [...(this.members[j] as number[]).filter((client) => !out.includes(client)), ...into];
    const nextK = [...(this.members[k] as number[]).filter((client) => !into.includes(client)), ...out];
    const [sumJ, sumK] = [countsOf(nextJ, this.#task.counts), countsOf(nextK, this.#task.counts)];
    const worth = (one: Float64Array, other: Float64Array): number =>
      this.#divergence.of(one) + this.#divergence.of(other);
    const before = worth(this.#sums[j] as Float64Array, this.#sums[k] as Float64Array);
    if (!(worth(sumJ, sumK) < before - SAME)) return false;
    [this.members[j], this.members[k], this.#sums[j], this.#sums[k]] = [nextJ, nextK, sumJ, sumK];
    return true;
  }

  /** Clients of one cluster that can be in the other. */
  #movable(cluster: number, other: number): number[] {
    const { links, rng } = this.#task;
    const movable = (this.members[cluster] as number[]).filter((client) => links === null || links.has(client, other));
    if (movable.length <= MEMBERS_MAX) return movable;
    for (let i = 0; i < MEMBERS_MAX; i++) {
      const at = i + Math.floor(rng.next() * (movable.length - i));
      [movable[i], movable[at]] = [movable[at] as number, movable[i] as number];
    }
    return movable.slice(0, MEMBERS_MAX);
  }
}

/** What the samples of each client are away from their share over √q, the class in which clients differ most first. */
function awayOf({ byClient, total }: ClassCounts): Float64Array[] {
  const all = total.reduce((sum, count) => sum + count, 0);
  const away = byClient.map((counts) => {
    const samples = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count, c) => {
      const share = (total[c] as number) / all;
      return (count - samples * share) / Math.sqrt(share);
    });
  });
  const spread = total.map((_, c) => away.reduce((sum, one) => sum + (one[c] as number) ** 2, 0));
  const order = [...spread.keys()].sort((a, b) => (spread[b] as number) - (spread[a] as number));
  return away.map((one) => Float64Array.from(order, (c) => one[c] as number));
}
