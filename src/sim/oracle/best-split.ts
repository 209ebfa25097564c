// The best fixed split: which share of each load balancer's requests each instance gets, so that the most requests succeed.
//
// max Σ_k Σ_m x_km F_km(Λ_m),  Λ_m = Σ_k x_km,  Σ_m x_km ≤ λ_k; what is sent nowhere is refused. Found by exchange: a share of one
// load balancer's requests moves from the place where it is missed least to the place where it brings most, as long as the total
// grows, in ever finer shares. A move touches two instances only, so its effect is known exactly, and whole shares jump out of the
// valleys in which a gradient ends: an instance so full that a little less helps no client. Two load balancers may also swap shares of
// two instances, which leaves the load of both as it is. Several starts; the best end counts.

/** Success over utilisation is tabulated at multiples of this. */
export const UTILISATION_STEP = 0.05;
/** Up to this one; beyond it, an instance brings no more than there. */
const UTILISATION_MAX = 1.4;
export const UTILISATION_POINTS = Math.round(UTILISATION_MAX / UTILISATION_STEP) + 1;

export interface SplitProblem {
  /** Requests per second that come to each load balancer. */
  readonly rates: Float64Array;
  /** Requests per second that each instance can carry; 0: it carries none. */
  readonly capacities: Float64Array;
  /** Instances that each load balancer may use. */
  readonly instances: readonly (readonly number[])[];
  /** Their success at multiples of `UTILISATION_STEP`: [load balancer][place in `instances`]. */
  readonly curves: readonly (readonly Float64Array[])[];
}

export interface Split {
  /** Requests per second: [load balancer][place in `instances`], and what is refused in a last place. */
  readonly shares: readonly Float64Array[];
  /** Requests per second that succeed. */
  readonly successRate: number;
}

/** Parts of a load balancer's rate that move at once: small ones fill, large ones jump out of valleys, finer ones refine. */
const PARTS = [1 / 60, 1, 1 / 4, 1 / 10, 1 / 25, 1 / 60, 1 / 150];
const ROUNDS_MAX = 100;
/** A move that brings less than this share of what it moves is none. */
const GAIN_RATIO_MIN = 1e-4;

export function findBestSplit(problem: SplitProblem): Split {
  const starts = [startRefused, startEven, startSelfish].map((start) => new SplitSearch(problem, start(problem)).run());
  return starts.reduce((best, split) => (split.successRate > best.successRate ? split : best));
}

/** What a split brings, requests per second. */
export function successRateOf(problem: SplitProblem, shares: readonly Float64Array[]): number {
  return new SplitSearch(problem, shares).successRate();
}

type Shares = Float64Array[];

function startRefused({ rates, instances }: SplitProblem): Shares {
  return instances.map(({ length }, b) => {
    const shares = new Float64Array(length + 1);
    shares[length] = rates[b] as number;
    return shares;
  });
}

function startEven({ rates, instances }: SplitProblem): Shares {
  return instances.map(({ length }, b) => {
    if (length === 0) return Float64Array.of(rates[b] as number);
    return new Float64Array(length + 1).fill((rates[b] as number) / length, 0, length);
  });
}

/** Everything where an idle instance would answer best. */
function startSelfish({ rates, curves }: SplitProblem): Shares {
  return curves.map((row, b) => {
    const shares = new Float64Array(row.length + 1);
    let best = row.length;
    for (const [n, curve] of row.entries()) {
      if (best === row.length || (curve[0] as number) > (row[best]?.[0] as number)) best = n;
    }
    shares[best] = rates[b] as number;
    return shares;
  });
}

interface Offer {
  readonly balancer: number;
  readonly from: number;
  readonly to: number;
  /** Success won per request. */
  readonly gain: number;
}

class SplitSearch {
  readonly #problem: SplitProblem;
  readonly #shares: readonly Float64Array[];
  readonly #loads: Float64Array;
  /** Σ_k x_km F_km at each utilisation: what an instance brings when its load is that. */
  readonly #yields: readonly Float64Array[];

  constructor(problem: SplitProblem, shares: readonly Float64Array[]) {
    this.#problem = problem;
    this.#shares = shares;
    this.#loads = new Float64Array(problem.capacities.length);
    this.#yields = Array.from(problem.capacities, () => new Float64Array(UTILISATION_POINTS));
    for (const [b, near] of problem.instances.entries()) {
      for (const n of near.keys()) this.#account(b, n, shares[b]?.[n] as number);
    }
  }

  run(): Split {
    for (const part of PARTS) {
      for (let round = 0; round < ROUNDS_MAX; round++) {
        let moved = 0;
        for (const b of this.#shares.keys()) moved += this.#exchange(b, part);
        if (moved === 0 && this.#swapAll() === 0) break;
      }
    }
    return { shares: this.#shares, successRate: this.successRate() };
  }

  successRate(): number {
    return this.#yields.reduce((sum, _, m) => sum + this.#yieldAt(m, this.#loads[m] as number), 0);
  }

  // ---- one load balancer moves a share ----

  /** Moves shares of b while that brings something; how often it did. */
  #exchange(b: number, part: number): number {
    const { rates, instances } = this.#problem;
    const rate = part * (rates[b] as number);
    const shares = this.#shares[b] as Float64Array;
    const refused = (instances[b] as readonly number[]).length;
    let moves = 0;
    while (moves < 1 / part) {
      let from = -1;
      let to = -1;
      let loss = Number.NEGATIVE_INFINITY;
      let gain = Number.NEGATIVE_INFINITY;
      for (let n = 0; n <= refused; n++) {
        const share = Math.min(rate, shares[n] as number);
        // The effect counts per request moved, since the last of a share may be less than a whole part.
        const removed = share > 0 ? this.#effect(b, n, -share) / share : Number.NEGATIVE_INFINITY;
        const added = this.#effect(b, n, rate) / rate;
        if (removed > loss) [from, loss] = [n, removed];
        if (added > gain) [to, gain] = [n, added];
      }
      if (from < 0 || from === to || !(loss + gain > GAIN_RATIO_MIN)) return moves;
      const share = Math.min(rate, shares[from] as number);
      if (share < rate && this.#effect(b, from, -share) + this.#effect(b, to, share) <= GAIN_RATIO_MIN * share) {
        return moves;
      }
      this.#account(b, from, -share);
      this.#account(b, to, share);
      shares[from] = Math.max(0, (shares[from] as number) - share);
      shares[to] = (shares[to] as number) + share;
      moves++;
    }
    return moves;
  }

  // ---- two load balancers swap shares of two instances ----

  /** Makes every swap that brings something; how many did. */
  #swapAll(): number {
    const offers = this.#bestOffers();
    const places = this.#loads.length + 1;
    let swaps = 0;
    for (const [pair, offer] of offers) {
      const back = offers.get((pair % places) * places + Math.floor(pair / places));
      if (back === undefined || !(offer.gain + back.gain > GAIN_RATIO_MIN)) continue;
      const [mine, theirs] = [this.#shares[offer.balancer], this.#shares[back.balancer]] as [
        Float64Array,
        Float64Array,
      ];
      const share = Math.min(mine[offer.from] as number, theirs[back.from] as number);
      if (share < 1e-9) continue;
      for (const { balancer, from, to } of [offer, back]) {
        const shares = this.#shares[balancer] as Float64Array;
        this.#account(balancer, from, -share);
        this.#account(balancer, to, share);
        shares[from] = (shares[from] as number) - share;
        shares[to] = (shares[to] as number) + share;
      }
      swaps++;
    }
    return swaps;
  }

  /** Finds, for each pair of instances, the load balancer that gains most by moving a request at unchanged loads. */
  #bestOffers(): Map<number, Offer> {
    const places = this.#loads.length + 1;
    const offers = new Map<number, Offer>();
    for (const [balancer, near] of this.#problem.instances.entries()) {
      const at = (n: number): number => near[n] ?? places - 1;
      const success = Float64Array.from({ length: near.length + 1 }, (_, n) => this.#successAt(balancer, n));
      for (let from = 0; from <= near.length; from++) {
        if ((this.#shares[balancer]?.[from] as number) < 1e-9) continue;
        for (let to = 0; to <= near.length; to++) {
          const gain = (success[to] as number) - (success[from] as number);
          const pair = at(from) * places + at(to);
          if (from !== to && gain > (offers.get(pair)?.gain ?? Number.NEGATIVE_INFINITY)) {
            offers.set(pair, { balancer, from, to, gain });
          }
        }
      }
    }
    return offers;
  }

  #successAt(b: number, n: number): number {
    const m = this.#problem.instances[b]?.[n];
    return m === undefined ? 0 : this.#at(this.#problem.curves[b]?.[n] as Float64Array, m, this.#loads[m] as number);
  }

  /** What it brings or costs that b sends `rate` more (or less) to its place n; the refused bring nothing. */
  #effect(b: number, n: number, rate: number): number {
    const m = this.#problem.instances[b]?.[n];
    if (m === undefined) return 0;
    const load = Math.max(0, (this.#loads[m] as number) + rate);
    const own = this.#at(this.#problem.curves[b]?.[n] as Float64Array, m, load);
    return this.#yieldAt(m, load) + rate * own - this.#yieldAt(m, this.#loads[m] as number);
  }

  #account(b: number, n: number, rate: number): void {
    const m = this.#problem.instances[b]?.[n];
    if (m === undefined || rate === 0) return;
    this.#loads[m] = Math.max(0, (this.#loads[m] as number) + rate);
    const curve = this.#problem.curves[b]?.[n] as Float64Array;
    const yields = this.#yields[m] as Float64Array;
    for (let u = 0; u < yields.length; u++) (yields[u] as number) += rate * (curve[u] as number);
  }

  #yieldAt(m: number, load: number): number {
    return this.#at(this.#yields[m] as Float64Array, m, load);
  }

  /** A curve over utilisation at a load. Beyond its end, it falls as the load grows: what succeeds in all grows no more. */
  #at(curve: Float64Array, m: number, load: number): number {
    const capacity = this.#problem.capacities[m] as number;
    if (capacity === 0) return 0;
    const place = load / capacity / UTILISATION_STEP;
    const last = UTILISATION_POINTS - 1;
    if (place >= last) return ((curve[last] as number) * last) / place;
    const low = Math.floor(place);
    return (curve[low] as number) + (place - low) * ((curve[low + 1] as number) - (curve[low] as number));
  }
}
