// Clusters of least mean divergence where there are too many partitions to look at each: simulated annealing by swaps of two clients
// (Kirkpatrick et al. 1983). Swaps keep the sizes. Descents from many starts end 10 % higher at the same cost: the landscape has local
// minima everywhere.

import { createRng, type Rng } from '../../core/rng.ts';
import { ABSENT_SHARE, type ClassCounts } from './divergence.ts';

const RUNS = 3;
const SWAPS_PER_CLIENT = 20_000;
const SWAPS_MAX = 2_000_000;
/** First and last temperature, as parts of the divergence of a random partition. */
const HOT = 0.002;
const COLD = 0.00001;
/** Swaps at one temperature. */
const PLATEAU = 1_000;

/** Which clients can be in which cluster, where not all can be in all. */
export interface Links {
  /** The cluster of each client at first; each can be there. */
  readonly start: Int32Array;
  readonly has: (client: number, cluster: number) => boolean;
}

export interface AnnealingOptions {
  readonly seed: number;
  readonly links: Links | null;
  readonly offer: (clusterOf: Int32Array) => void;
}

/** Calls `offer` with the best partition of each run: the cluster of each client. */
export function anneal(counts: ClassCounts, sizes: readonly number[], { seed, links, offer }: AnnealingOptions): void {
  const rng = createRng(seed);
  for (let run = 0; run < RUNS; run++)
    offer(annealOnce(counts, links?.start.slice() ?? randomPartition(sizes, rng), { links, rng }));
}

function annealOnce(
  counts: ClassCounts,
  clusterOf: Int32Array,
  { links, rng }: { readonly links: Links | null; readonly rng: Rng },
): Int32Array {
  const clients = clientsOf(counts);
  const clusters = Array.from({ length: Math.max(...clusterOf) + 1 }, () => new Cluster(counts.total));
  for (const [i, client] of clients.entries()) clusters[clusterOf[i] as number]?.add(client);
  let sum = clusters.reduce((all, { divergence }) => all + divergence, 0);
  let least = sum;
  const best = clusterOf.slice();
  const swaps = Math.min(SWAPS_MAX, SWAPS_PER_CLIENT * clients.length);
  const cooling = (COLD / HOT) ** (PLATEAU / swaps);
  let temperature = sum * HOT;
  for (let swap = 1; swap <= swaps; swap++) {
    if (swap % PLATEAU === 0) temperature *= cooling;
    const a = Math.floor(rng.next() * clients.length);
    const b = Math.floor(rng.next() * clients.length);
    const j = clusterOf[a] as number;
    const k = clusterOf[b] as number;
    if (j === k || (links !== null && !(links.has(a, k) && links.has(b, j)))) continue;
    const clientA = clients[a] as Client;
    const clientB = clients[b] as Client;
    const clusterA = clusters[j] as Cluster;
    const clusterB = clusters[k] as Cluster;
    const change = clusterA.changeBy(clientA, clientB) + clusterB.changeBy(clientB, clientA);
    if (change > 0 && rng.next() >= Math.exp(-change / temperature)) continue;
    clusterA.replace(clientA, clientB);
    clusterB.replace(clientB, clientA);
    clusterOf[a] = k;
    clusterOf[b] = j;
    sum += change;
    if (sum >= least) continue;
    least = sum;
    best.set(clusterOf);
  }
  return best;
}

interface Client {
  /** Classes that it has samples of. */
  readonly classes: readonly number[];
  readonly counts: Float64Array;
  readonly samples: number;
}

function clientsOf({ byClient }: ClassCounts): Client[] {
  return byClient.map((counts) => ({
    classes: [...counts.keys()].filter((c) => (counts[c] as number) > 0),
    counts,
    samples: counts.reduce((sum, count) => sum + count, 0),
  }));
}

/**
 * With n_c samples of class c and N in all, Σ p·ln(p/q) is (Σ n_c·(ln n_c − ln q_c))/N − ln N over the classes that are there, and a
 * constant for each that is not. So a swap costs only the classes of the two clients.
 */
class Cluster {
  readonly #counts: Float64Array;
  readonly #logQ: Float64Array;
  readonly #absent: Float64Array;
  #samples = 0;
  #present = 0;
  #missing: number;

  constructor(total: Float64Array) {
    const all = total.reduce((sum, count) => sum + count, 0);
    this.#counts = new Float64Array(total.length);
    this.#logQ = total.map((count) => Math.log(count / all));
    this.#absent = this.#logQ.map((logQ) => ABSENT_SHARE * (Math.log(ABSENT_SHARE) - logQ));
    this.#missing = this.#absent.reduce((sum, one) => sum + one, 0);
  }

  get divergence(): number {
    return this.#present / this.#samples - Math.log(this.#samples) + this.#missing;
  }

  add(client: Client): void {
    this.replace(NO_CLIENT, client);
  }

  /** What the divergence changes by with one client in place of another. */
  changeBy(leaves: Client, comes: Client): number {
    const before = this.divergence;
    const present = this.#present;
    const missing = this.#missing;
    this.#weigh(leaves, comes);
    const samples = this.#samples - leaves.samples + comes.samples;
    const after = this.#present / samples - Math.log(samples) + this.#missing;
    this.#present = present;
    this.#missing = missing;
    return after - before;
  }

  replace(leaves: Client, comes: Client): void {
    this.#weigh(leaves, comes);
    this.#samples += comes.samples - leaves.samples;
    for (const c of leaves.classes) this.#counts[c] = (this.#counts[c] as number) - (leaves.counts[c] as number);
    for (const c of comes.classes) this.#counts[c] = (this.#counts[c] as number) + (comes.counts[c] as number);
  }

  #weigh(leaves: Client, comes: Client): void {
    for (const c of leaves.classes) this.#move(c, (comes.counts[c] ?? 0) - (leaves.counts[c] as number));
    for (const c of comes.classes) if (!((leaves.counts[c] as number) > 0)) this.#move(c, comes.counts[c] as number);
  }

  #move(c: number, change: number): void {
    if (change === 0) return;
    const before = this.#counts[c] as number;
    const after = before + change;
    if (before === 0) this.#missing -= this.#absent[c] as number;
    else this.#present -= before * (Math.log(before) - (this.#logQ[c] as number));
    if (after === 0) this.#missing += this.#absent[c] as number;
    else this.#present += after * (Math.log(after) - (this.#logQ[c] as number));
  }
}

const NO_CLIENT: Client = { classes: [], counts: new Float64Array(0), samples: 0 };

function randomPartition(sizes: readonly number[], rng: Rng): Int32Array {
  const clusterOf = Int32Array.from(sizes.flatMap((size, k) => new Array<number>(size).fill(k)));
  // Fisher–Yates.
  for (let i = clusterOf.length - 1; i > 0; i--) {
    const j = Math.floor(rng.next() * (i + 1));
    [clusterOf[i], clusterOf[j]] = [clusterOf[j] as number, clusterOf[i] as number];
  }
  return clusterOf;
}
