// How far the clusters of `qedge fl plan` are from the best that long runs find: 200 clients, 10 aggregators, several kinds of data.
// Held against it is the search that the strategy is published with, descents by swaps from greedy starts.
//
//     node test/bench/clusters.ts [RUNS] [SECONDS of CPU of each] [part of the name of a row]

import '../support/bench-help.ts';
import { createRng, type Rng } from '../../src/core/rng.ts';
import { leastDivergence } from '../../src/plan/learning/clusters.ts';
import { addTo, type ClassCounts, countClasses, Divergence } from '../../src/plan/learning/divergence.ts';

const CLIENTS = 200;
const AGGREGATORS = 10;
const CLASSES = 10;
const SEEDS = [1, 2, 3, 4, 5];
const [runs = 20, seconds = 10] = process.argv.slice(2, 4).map(Number);
const [, , , , row = ''] = process.argv;

const KINDS: Readonly<Record<string, (rng: Rng) => number[]>> = {
  'three classes, as in D1.3': (rng) => {
    const counts = new Array<number>(CLASSES).fill(0);
    for (const count of [1_000, 10_000, 20_000]) counts[Math.floor(rng.next() * CLASSES)] = count;
    return counts;
  },
  'two shards of 300': (rng) => {
    const counts = new Array<number>(CLASSES).fill(0);
    for (let i = 0; i < 2; i++) addAt(counts, Math.floor(rng.next() * CLASSES), 300);
    return counts;
  },
  'Dirichlet 0.1': (rng) => dirichlet(rng, 0.1, 500),
  'Dirichlet 0.5': (rng) => dirichlet(rng, 0.5, 500),
  'Dirichlet 1': (rng) => dirichlet(rng, 1, 500),
  'Dirichlet 0.5, 50 to 2,000 samples': (rng) => dirichlet(rng, 0.5, Math.floor(50 * 40 ** rng.next())),
};

console.log(
  `| data | ${SEEDS.length} seeds: least | mean | most | CPU of one | best of ${runs} × ${seconds} s of descents | most ÷ that |`,
);
console.log('|---|---:|---:|---:|---:|---:|---:|');
for (const [kind, draw] of Object.entries(KINDS).filter(([kind]) => kind.includes(row))) {
  const counts = drawn(draw);
  const cost = counts.byClient.map(() => new Array<number>(AGGREGATORS).fill(1));
  const before = process.cpuUsage();
  const found = SEEDS.map(
    (seed) => leastDivergence({ counts, cost, aggregators: AGGREGATORS, seed })?.divergence ?? Number.NaN,
  );
  const { user, system } = process.cpuUsage(before);
  const long = Math.min(...Array.from({ length: runs }, (_, run) => descents(counts, createRng(1_000 + run))));
  const most = Math.max(...found);
  const mean = found.reduce((sum, one) => sum + one, 0) / found.length;
  const figures = [Math.min(...found), mean, most].map((one) => one.toExponential(2));
  const cpu = `${((user + system) / 1e6 / SEEDS.length).toFixed(1)} s`;
  console.log(`| ${[kind, ...figures, cpu, long.toExponential(2), (most / long).toFixed(2)].join(' | ')} |`);
}

/** Other work on the machine takes none of it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Starts again and again until the time is over. @returns the least mean divergence */
function descents(counts: ClassCounts, rng: Rng): number {
  const endMs = cpuMs() + seconds * 1_000;
  let least = Number.POSITIVE_INFINITY;
  while (cpuMs() < endMs) least = Math.min(least, descend(counts, rng, endMs));
  return least / AGGREGATORS;
}

function descend({ byClient, total }: ClassCounts, rng: Rng, endMs: number): number {
  const divergence = new Divergence(total);
  const clusterOf = greedyStart({ byClient, total }, divergence, rng);
  const sums = Array.from({ length: AGGREGATORS }, () => new Float64Array(total.length));
  for (const [i, counts] of byClient.entries()) addTo(sums[clusterOf[i] as number] as Float64Array, counts);
  const [scratchJ, scratchK] = [new Float64Array(total.length), new Float64Array(total.length)];
  const worth = sums.map((sum) => divergence.of(sum));
  for (let since = 0, a = 0; since < CLIENTS && cpuMs() < endMs; a = (a + 1) % CLIENTS, since++) {
    for (let b = 0; b < CLIENTS; b++) {
      const [j, k] = [clusterOf[a] as number, clusterOf[b] as number];
      if (j === k) continue;
      const [own, other] = [byClient[a] as Float64Array, byClient[b] as Float64Array];
      const [sumJ, sumK] = [sums[j] as Float64Array, sums[k] as Float64Array];
      for (let c = 0; c < total.length; c++) {
        const change = (other[c] as number) - (own[c] as number);
        scratchJ[c] = (sumJ[c] as number) + change;
        scratchK[c] = (sumK[c] as number) - change;
      }
      const [worthJ, worthK] = [divergence.of(scratchJ), divergence.of(scratchK)];
      if (worthJ + worthK >= (worth[j] as number) + (worth[k] as number) - 1e-15) continue;
      [worth[j], worth[k], clusterOf[a], clusterOf[b], since] = [worthJ, worthK, k, j, 0];
      sumJ.set(scratchJ);
      sumK.set(scratchK);
    }
  }
  return worth.reduce((sum, one) => sum + one, 0);
}

/** Clients in drawn order, each in the cluster with room whose divergence it betters most. */
function greedyStart({ byClient, total }: ClassCounts, divergence: Divergence, rng: Rng): number[] {
  const order = [...byClient.keys()].map((client) => ({ client, key: rng.next() })).sort((a, b) => a.key - b.key);
  const sums = Array.from({ length: AGGREGATORS }, () => ({ counts: new Float64Array(total.length), members: 0 }));
  const clusterOf = new Array<number>(CLIENTS).fill(0);
  for (const { client } of order) {
    const counts = byClient[client] as Float64Array;
    const gains = sums.map((sum) => {
      if (sum.members === CLIENTS / AGGREGATORS) return Number.POSITIVE_INFINITY;
      const joined = sum.counts.map((count, c) => count + (counts[c] as number));
      return divergence.of(joined) - (sum.members === 0 ? 10 : divergence.of(sum.counts));
    });
    const cluster = gains.indexOf(Math.min(...gains));
    const sum = sums[cluster] as (typeof sums)[number];
    addTo(sum.counts, counts);
    sum.members++;
    clusterOf[client] = cluster;
  }
  return clusterOf;
}

function drawn(draw: (rng: Rng) => number[]): ClassCounts {
  const rng = createRng(1);
  return countClasses(
    Array.from({ length: CLIENTS }, (_, i) => ({
      id: `c${i}`,
      role: 'client' as const,
      costs: new Map<string, number>(),
      samples: new Map(draw(rng).map((count, c) => [String(c), count])),
    })),
  );
}

function dirichlet(rng: Rng, alpha: number, samples: number): number[] {
  const shares = Array.from({ length: CLASSES }, () => gamma(rng, alpha));
  const sum = shares.reduce((all, one) => all + one, 0);
  return shares.map((share) => Math.round((samples * share) / sum));
}

/** Gamma with scale 1 (Marsaglia and Tsang 2000). */
function gamma(rng: Rng, shape: number): number {
  if (shape < 1) return gamma(rng, shape + 1) * rng.next() ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
    const v = (1 + normal / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - rng.next()) < 0.5 * normal ** 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function addAt(counts: number[], c: number, count: number): void {
  counts[c] = (counts[c] ?? 0) + count;
}
