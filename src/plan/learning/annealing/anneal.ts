// Clusters of least mean divergence where there are too many partitions to look at each: simulated annealing by swaps of two clients
// (Kirkpatrick et al. 1983), then exchanges of groups. Swaps keep the sizes. Descents from many starts end higher at the same cost: the
// landscape has local minima everywhere. For the same reason one long annealing is worth less than the best of a few: eight times as long
// ends 5 to 25 % lower, and two of one length differ by as much, by a factor of two where clients differ in size. The temperature follows
// the share of swaps that are taken though they make it worse: what is hot for clusters that end at a divergence of 1e-3 is cold for those
// that end at 1e-5.

import { createRng, type Rng } from '../../../core/rng.ts';
import type { ClassCounts } from '../divergence.ts';
import { descendByExchanges } from './exchanges.ts';
import { type Links, type Swaps, swapsOf } from './swaps.ts';
import { Tally } from './tally.ts';

/** A swap looks at each class that its clients differ in; beside that it costs as much as so many looks. */
const LOOKS_BESIDE = 4;
/** The best of so many. */
const STARTS = 4;
/** So many looks at the most, of all of them: one to two seconds of a processor. */
const LOOKS_MAX = 200_000_000;
/** After each of them, groups up to this size are exchanged, … */
const EACH = { groupMax: 3, looksMax: 80_000_000 };
/** … and after the best, up to this. */
const BEST = { groupMax: 4, looksMax: 250_000_000 };
/** Enough where there are few clients. */
const SWAPS_PER_PAIR_MAX = 4_000;
/** Steps of the temperature, … */
const STEPS = 4_000;
/** … and one of them, as a share of it. */
const STEP = 0.02;
/** The first temperature, as a share of the divergence of a random partition. */
const START = 0.1;
/** Share of the swaps that are taken though they make it worse, at first and at last. */
const WORSE_FIRST = 0.03;
const WORSE_LAST = 0.0003;
/** A change of so many temperatures is taken once in 10⁸ times: it is not drawn for. */
const NEVER = 18;
/** Changes below this are rounding. */
const SAME = 1e-15;

/**
 * @param links null: all clients can be in all clusters
 * @returns the cluster of each client, of the best partition that was met
 */
export function anneal(
  counts: ClassCounts,
  sizes: readonly number[],
  { seed, links }: { readonly seed: number; readonly links: Links | null },
): Int32Array {
  const rng = createRng(seed);
  const swaps = swapsOf(counts, rng);
  let best: Annealed | null = null;
  for (let start = 0; start < STARTS; start++) {
    const clusterOf = annealOnce(links?.start.slice() ?? randomPartition(sizes, rng), { counts, swaps, links, rng });
    const sum = descendByExchanges(clusterOf, { counts, links, rng, ...EACH });
    if (best === null || sum < best.sum) best = { clusterOf, sum };
  }
  const { clusterOf } = best as Annealed;
  descendByExchanges(clusterOf, { counts, links, rng, ...BEST });
  return clusterOf;
}

interface Annealed {
  readonly clusterOf: Int32Array;
  /** The sum of the divergences of all clusters. */
  readonly sum: number;
}

interface Annealing {
  readonly counts: ClassCounts;
  readonly swaps: Swaps;
  readonly links: Links | null;
  readonly rng: Rng;
}

/**
 * @param clusterOf where it begins; is changed
 * @returns the best partition that was met
 */
function annealOnce(clusterOf: Int32Array, { counts, swaps, links, rng }: Annealing): Int32Array {
  const tally = new Tally(counts, swaps, clusterOf);
  const { perClient, partner } = swaps;
  const best = clusterOf.slice();
  let sum = tally.sum;
  let least = sum;
  const looks = LOOKS_BESIDE + swaps.classes.length / partner.length;
  const most = Math.min(SWAPS_PER_PAIR_MAX * clusterOf.length ** 2, LOOKS_MAX / looks);
  const tries = Math.ceil(most / STARTS);
  const stepTries = Math.ceil(tries / STEPS);
  let temperature = START * sum;
  let worse = 0;
  for (let tried = 1; tried <= tries; tried++) {
    if (tried % stepTries === 0) {
      const aim = WORSE_FIRST * (WORSE_LAST / WORSE_FIRST) ** (tried / tries);
      temperature *= worse > aim * stepTries ? 1 - STEP : 1 + STEP;
      worse = 0;
    }
    const swap = Math.floor(rng.next() * partner.length);
    const a = Math.floor(swap / perClient);
    const b = partner[swap] as number;
    const j = clusterOf[a] as number;
    const k = clusterOf[b] as number;
    if (j === k || (links !== null && !(links.has(a, k) && links.has(b, j)))) continue;
    const change = tally.changeBy(swap, j, k);
    if (change > NEVER * temperature || (change > 0 && rng.next() >= Math.exp(-change / temperature))) continue;
    if (change > SAME) worse++;
    tally.apply(swap, j, k);
    clusterOf[a] = k;
    clusterOf[b] = j;
    sum += change;
    if (sum >= least - SAME) continue;
    least = sum;
    best.set(clusterOf);
  }
  return best;
}

function randomPartition(sizes: readonly number[], rng: Rng): Int32Array {
  const clusterOf = Int32Array.from(sizes.flatMap((size, k) => new Array<number>(size).fill(k)));
  // Fisher–Yates.
  for (let i = clusterOf.length - 1; i > 0; i--) {
    const j = Math.floor(rng.next() * (i + 1));
    [clusterOf[i], clusterOf[j]] = [clusterOf[j] as number, clusterOf[i] as number];
  }
  return clusterOf;
}
