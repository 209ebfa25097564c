// Clusters of least mean divergence where there are too many partitions to look at each: simulated annealing by swaps of two clients
// (Kirkpatrick et al. 1983). Swaps keep the sizes. Descents from many starts end higher at the same cost: the landscape has local minima
// everywhere. Most swaps are of clients with nearly the same data, since towards the end no others are taken.

import { createRng, type Rng } from '../../core/rng.ts';
import { ABSENT_SHARE, type ClassCounts } from './divergence.ts';

const RUNS = 2;
const SWAPS_PER_CLIENT = 30_000;
/** A swap looks at each class that its clients have samples of: so many looks at the most. */
const LOOKS_MAX = 20_000_000;
/** First and last temperature, as parts of the divergence of a random partition. */
const HOT = 0.001;
const COLD = 0.000005;
/** A client is swapped with one of so many that are most like it, in so many of all cases. */
const NEAR = 16;
const NEAR_SHARE = 0.8;
/** To find them takes clients² · classes; beyond this, all swaps are of any two. */
const NEAR_WORK_MAX = 20_000_000;
/** Logarithms of so many counts are kept: in them is most of what a swap costs. */
const LOGS_MAX = 1_000_000;
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
  const world = worldOf(counts);
  for (let run = 0; run < RUNS; run++)
    offer(annealOnce(world, links?.start.slice() ?? randomPartition(sizes, rng), { links, rng }));
}

function annealOnce(
  { clients, near, facts }: World,
  clusterOf: Int32Array,
  { links, rng }: { readonly links: Links | null; readonly rng: Rng },
): Int32Array {
  const clusters = Array.from({ length: Math.max(...clusterOf) + 1 }, () => new Cluster(facts));
  for (const [i, client] of clients.entries()) clusters[clusterOf[i] as number]?.add(client);
  let sum = clusters.reduce((all, { divergence }) => all + divergence, 0);
  let least = sum;
  const best = clusterOf.slice();
  const looks = clients.reduce((all, { classes }) => all + classes.length, 0) / clients.length;
  const swaps = Math.min(SWAPS_PER_CLIENT * clients.length, Math.ceil(LOOKS_MAX / looks));
  const cooling = (COLD / HOT) ** (PLATEAU / swaps);
  let temperature = sum * HOT;
  for (let swap = 1; swap <= swaps; swap++) {
    if (swap % PLATEAU === 0) temperature *= cooling;
    const a = Math.floor(rng.next() * clients.length);
    const b = partner(a, { clients: clients.length, near, draw: rng.next() });
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

/** What all clusters are weighed with. */
interface Facts {
  /** ln q_c of each class. */
  readonly logQ: Float64Array;
  /** What a class without samples adds. */
  readonly absent: Float64Array;
  /** n·ln n of the first counts. */
  readonly logs: Float64Array;
}

interface World {
  readonly clients: readonly Client[];
  /** The clients most like each, one after another; null where there are too many to look. */
  readonly near: Int32Array | null;
  readonly facts: Facts;
}

/** Counts are divided by what divides all of them: divergence is of shares, and small counts have their logarithms at hand. */
function worldOf({ byClient, total }: ClassCounts): World {
  const unit = byClient.flatMap((counts) => [...counts]).reduce(greatestDivisor, 0);
  const all = total.reduce((sum, count) => sum + count, 0);
  const logQ = total.map((count) => Math.log(count / all));
  const absent = logQ.map((one) => ABSENT_SHARE * (Math.log(ABSENT_SHARE) - one));
  const logs = Float64Array.from({ length: Math.min(LOGS_MAX, all / unit + 1) }, (_, n) =>
    n < 2 ? 0 : n * Math.log(n),
  );
  const clients = byClient.map((counts) => ({
    classes: [...counts.keys()].filter((c) => (counts[c] as number) > 0),
    counts: counts.map((count) => count / unit),
    samples: counts.reduce((sum, count) => sum + count, 0) / unit,
  }));
  const work = clients.length ** 2 * total.length;
  const near = clients.length > NEAR && work <= NEAR_WORK_MAX ? nearestOf(clients, total) : null;
  return { clients, near, facts: { logQ, absent, logs } };
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** Of each client the `NEAR` others with the least difference, in parts of what there is of each class. */
function nearestOf(clients: readonly Client[], total: Float64Array): Int32Array {
  const near = new Int32Array(clients.length * NEAR);
  for (const [i, { counts }] of clients.entries()) {
    const away = clients.map((other) =>
      counts.reduce((sum, n, c) => sum + (n - (other.counts[c] as number)) ** 2 / (total[c] as number), 0),
    );
    const others = [...clients.keys()].filter((j) => j !== i).sort((a, b) => (away[a] as number) - (away[b] as number));
    near.set(others.slice(0, NEAR), i * NEAR);
  }
  return near;
}

/** @param draw in [0, 1) */
function partner(
  client: number,
  { clients, near, draw }: { readonly clients: number; readonly near: Int32Array | null; readonly draw: number },
): number {
  if (near === null) return Math.floor(draw * clients);
  if (draw < NEAR_SHARE) return near[client * NEAR + Math.floor((draw / NEAR_SHARE) * NEAR)] as number;
  return Math.floor(((draw - NEAR_SHARE) / (1 - NEAR_SHARE)) * clients);
}

/**
 * With n_c samples of class c and N in all, Σ p·ln(p/q) is (Σ n_c·(ln n_c − ln q_c))/N − ln N over the classes that are there, and a
 * constant for each that is not. So a swap costs only the classes of the two clients.
 */
class Cluster {
  readonly #facts: Facts;
  readonly #counts: Float64Array;
  #samples = 0;
  #present = 0;
  #missing: number;

  constructor(facts: Facts) {
    this.#facts = facts;
    this.#counts = new Float64Array(facts.logQ.length);
    this.#missing = facts.absent.reduce((sum, one) => sum + one, 0);
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
    const { logQ, absent } = this.#facts;
    const before = this.#counts[c] as number;
    const after = before + change;
    if (before === 0) this.#missing -= absent[c] as number;
    else this.#present -= this.#timesLog(before) - before * (logQ[c] as number);
    if (after === 0) this.#missing += absent[c] as number;
    else this.#present += this.#timesLog(after) - after * (logQ[c] as number);
  }

  /** n·ln n. */
  #timesLog(n: number): number {
    const { logs } = this.#facts;
    return n < logs.length ? (logs[n] as number) : n * Math.log(n);
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
