// The best fixed split under several demands at once, the first of them before the second, and what is spent last: a linear programme
// over x_km, the requests per second of load balancer k to instance m. At most u_m of its capacity goes to an instance; how a request
// fares there is what was measured at that utilisation, so that the split does at least as well as it says. The u_m are searched one
// after the other, each among a few.
//
//   max Σ_d w_d Σ_k y_dk + Σ_km x_km (w − cost_m),  y_dk ≤ Σ_m v_dkm(u_m) x_km,  y_dk ≤ least_d λ_k,  Σ_m x_km ≤ λ_k,  Σ_k x_km ≤ u_m C_m

import { UTILISATION_STEP } from './best-split.ts';
import { type LinearProgramme, maximise } from './simplex.ts';

/** Each load balancer's requests are to have a mean of at least `least`. */
export interface Demand {
  readonly least: number;
  /** What a request is worth, over utilisation at multiples of `UTILISATION_STEP`: [load balancer][place in `instances`]. */
  readonly values: readonly (readonly ArrayLike<number>[])[];
}

/** A problem like `SplitProblem`, with demands in place of success alone. */
export interface DemandProblem {
  /** Requests per second that come to each load balancer. */
  readonly rates: ArrayLike<number>;
  /** Requests per second that each instance can carry; 0: it carries none. */
  readonly capacities: ArrayLike<number>;
  /** Instances that each load balancer may use. */
  readonly instances: readonly (readonly number[])[];
  /** The most important first. */
  readonly demands: readonly Demand[];
  /** What a request costs at each instance; all alike: nothing is to be saved. */
  readonly costs: ArrayLike<number>;
}

export interface DemandSplit {
  /** Requests per second: [load balancer][place in `instances`], and what is refused in a last place. */
  readonly shares: readonly Float64Array[];
  /** How much of each demand is met, 1 where every load balancer has what it asks for. */
  readonly met: readonly number[];
}

/** Utilisations that are tried, as multiples of the step. */
const LEVELS = [6, 9, 11, 13, 14, 15, 16, 17, 18, 19, 20];
const ROUNDS_MAX = 3;
/** A demand is worth so many times the next one; the least is worth so much more than all that a request may cost. */
const PRECEDENCE = 100;
/** What a request is worth that is answered at all: more than it costs, at 1 the most. */
const ANSWER = 2;
/** A gain below this share is rounding. */
const GAIN_MIN = 1e-7;

export function findDemandSplit(problem: DemandProblem): DemandSplit {
  let best = LEVELS.map((level) => solve(problem, new Array(problem.capacities.length).fill(level))).reduce(better);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = best.value;
    for (let m = 0; m < problem.capacities.length; m++) {
      for (const level of LEVELS) {
        if (level !== best.levels[m]) best = better(best, solve(problem, best.levels.with(m, level)));
      }
    }
    if (best.value <= before * (1 + GAIN_MIN)) break;
  }
  return best;
}

interface Solution extends DemandSplit {
  readonly levels: readonly number[];
  readonly value: number;
}

function better(one: Solution, other: Solution): Solution {
  return other.value > one.value * (1 + GAIN_MIN) ? other : one;
}

/** Variables: x in the order of load balancers and their places, then y in the order of demands and load balancers. */
function solve(problem: DemandProblem, levels: readonly number[]): Solution {
  const { rates, instances, demands, capacities } = problem;
  const pairs = instances.flatMap((near, b) => near.map((instance, place) => ({ b, instance, place })));
  const earned = demands.flatMap(({ least }, d) =>
    instances.map((_, b) => ({ b, d, most: least * (rates[b] as number) })),
  );
  const gains = [
    ...pairs.map(({ instance }) => ANSWER - relativeCost(problem, instance)),
    ...earned.map(({ d }) => ANSWER * PRECEDENCE ** (demands.length - d)),
  ];
  const programme = new Rows(gains);
  for (const [b] of instances.entries()) {
    programme.limit(
      pairs.flatMap((pair, p) => (pair.b === b ? [[p, 1]] : [])),
      rates[b] as number,
    );
  }
  for (let m = 0; m < capacities.length; m++) {
    const most = (levels[m] as number) * UTILISATION_STEP * (capacities[m] as number);
    programme.limit(
      pairs.flatMap((pair, p) => (pair.instance === m ? [[p, 1]] : [])),
      most,
    );
  }
  for (const [y, { b, d, most }] of earned.entries()) {
    const worthOf = ({ instance, place }: (typeof pairs)[number]): number =>
      (demands[d] as Demand).values[b]?.[place]?.[levels[instance] as number] as number;
    const given = pairs.flatMap((pair, p) => (pair.b === b ? [[p, -worthOf(pair)]] : []));
    programme.limit([[pairs.length + y, 1], ...given], 0);
    programme.limit([[pairs.length + y, 1]], most);
  }
  const x = maximise(programme);
  const shares = instances.map((near, b) => new Float64Array(near.length + 1).fill(rates[b] as number, near.length));
  for (const [p, { b, place }] of pairs.entries()) {
    const row = shares[b] as Float64Array;
    row[place] = x[p] as number;
    row[row.length - 1] = Math.max(0, (row.at(-1) as number) - (x[p] as number));
  }
  return {
    shares,
    levels,
    value: gains.reduce((sum, gain, v) => sum + gain * (x[v] as number), 0),
    met: demands.map((_, d) => {
      const [got, asked] = earned.reduce(
        (sums, one, y) => (one.d === d ? [sums[0] + (x[pairs.length + y] as number), sums[1] + one.most] : sums),
        [0, 0] as [number, number],
      );
      return asked === 0 ? 1 : got / asked;
    }),
  };
}

/** Returns what an instance costs as a share of the costliest, in [0, 1]. */
function relativeCost({ costs }: DemandProblem, instance: number): number {
  const most = Math.max(...Array.from(costs));
  return most === 0 ? 0 : (costs[instance] as number) / most;
}

/** A programme that is put together row by row. */
class Rows implements LinearProgramme {
  readonly rows: number[][] = [];
  readonly limits: number[] = [];
  readonly gains: readonly number[];

  constructor(gains: readonly number[]) {
    this.gains = gains;
  }

  limit(entries: readonly (readonly number[])[], most: number): void {
    const row = new Array<number>(this.gains.length).fill(0);
    for (const [at, factor] of entries) row[at as number] = factor as number;
    this.rows.push(row);
    this.limits.push(most);
  }
}
