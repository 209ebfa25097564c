// The samples of each cluster by class, and its divergence, kept up to date swap by swap.
//
// With n_c samples of class c and N in all, Σ p·ln(p/q) is (Σ n_c·ln n_c − Σ n_c·ln q_c)/N − ln N over the classes that are there, and a
// constant for each that is not. The second sum is one of the clients, and computed once. So a swap costs the classes that its clients
// differ in, and n·ln n comes from a table.

import { ABSENT_SHARE, type ClassCounts } from '../divergence.ts';
import type { Swaps } from './swaps.ts';

/** n·ln n of so many counts is kept. */
const LOGS_MAX = 1_000_000;

/** What is known of a cluster, one after another in `Tally.#facts`: Σ n_c·ln n_c − Σ n_c·ln q_c, … */
const PRESENT = 0;
/** … what the absent classes add, … */
const MISSING = 1;
/** … its samples, … */
const SAMPLES = 2;
/** … and its divergence. */
const DIVERGENCE = 3;
const FACTS = 4;

/** All clusters of a partition. */
export class Tally {
  readonly #swaps: Swaps;
  readonly #classes: number;
  /** Units by class, cluster by cluster. */
  readonly #cells: Int32Array;
  readonly #facts: Float64Array;
  /** The facts of the two clusters after the swap that was looked at last. */
  readonly #after = new Float64Array(2 * FACTS);
  /** n·ln n. */
  readonly #logs: Float64Array;
  /** What a class adds that is absent. */
  readonly #absent: Float64Array;
  /** The samples of each client … */
  readonly #samples: Float64Array;
  /** … and its Σ n_c·ln q_c. */
  readonly #weights: Float64Array;

  constructor({ total }: ClassCounts, swaps: Swaps, clusterOf: Int32Array) {
    const { units } = swaps;
    const all = total.reduce((sum, count) => sum + count, 0);
    const logQ = total.map((count) => Math.log(count / all));
    const clusters = Math.max(...clusterOf) + 1;
    this.#swaps = swaps;
    this.#classes = total.length;
    this.#absent = logQ.map((one) => ABSENT_SHARE * (Math.log(ABSENT_SHARE) - one));
    this.#samples = Float64Array.from(units, (counts) => counts.reduce((sum, count) => sum + count, 0));
    this.#weights = Float64Array.from(units, (counts) =>
      counts.reduce((sum, n, c) => sum + n * (logQ[c] as number), 0),
    );
    const counted = this.#samples.reduce((sum, count) => sum + count, 0);
    this.#logs = Float64Array.from({ length: Math.min(LOGS_MAX, counted + 1) }, (_, n) => timesLog(n));
    this.#cells = new Int32Array(clusters * total.length);
    this.#facts = new Float64Array(clusters * FACTS);
    for (const [client, cluster] of clusterOf.entries()) this.#add(client, cluster);
    for (let cluster = 0; cluster < clusters; cluster++) this.#weigh(cluster);
  }

  /** The sum of the divergences of all clusters. */
  get sum(): number {
    let sum = 0;
    for (let at = DIVERGENCE; at < this.#facts.length; at += FACTS) sum += this.#facts[at] as number;
    return sum;
  }

  /** What the sum changes by when the swap's client leaves cluster j for k, and its partner k for j. */
  changeBy(swap: number, j: number, k: number): number {
    const { partner, perClient, from, classes, changes } = this.#swaps;
    const facts = this.#facts;
    const [a, b] = [Math.floor(swap / perClient), partner[swap] as number];
    const weight = (this.#weights[b] as number) - (this.#weights[a] as number);
    let presentJ = (facts[j * FACTS + PRESENT] as number) - weight;
    let presentK = (facts[k * FACTS + PRESENT] as number) + weight;
    let missingJ = facts[j * FACTS + MISSING] as number;
    let missingK = facts[k * FACTS + MISSING] as number;
    const cells = this.#cells;
    const rowJ = j * this.#classes;
    const rowK = k * this.#classes;
    const end = from[swap + 1] as number;
    for (let i = from[swap] as number; i < end; i++) {
      const c = classes[i] as number;
      const change = changes[i] as number;
      const unitsJ = cells[rowJ + c] as number;
      const unitsK = cells[rowK + c] as number;
      presentJ += this.#log(unitsJ + change) - this.#log(unitsJ);
      presentK += this.#log(unitsK - change) - this.#log(unitsK);
      if (unitsJ === 0) missingJ -= this.#absent[c] as number;
      else if (unitsJ + change === 0) missingJ += this.#absent[c] as number;
      if (unitsK === 0) missingK -= this.#absent[c] as number;
      else if (unitsK === change) missingK += this.#absent[c] as number;
    }
    const more = (this.#samples[b] as number) - (this.#samples[a] as number);
    const after = this.#after;
    after[PRESENT] = presentJ;
    after[MISSING] = missingJ;
    after[SAMPLES] = (facts[j * FACTS + SAMPLES] as number) + more;
    after[FACTS + PRESENT] = presentK;
    after[FACTS + MISSING] = missingK;
    after[FACTS + SAMPLES] = (facts[k * FACTS + SAMPLES] as number) - more;
    const before = (facts[j * FACTS + DIVERGENCE] as number) + (facts[k * FACTS + DIVERGENCE] as number);
    return this.#diverge(after, 0) + this.#diverge(after, FACTS) - before;
  }

  /** Makes the swap that `changeBy` was asked for last. */
  apply(swap: number, j: number, k: number): void {
    const { from, classes, changes } = this.#swaps;
    const end = from[swap + 1] as number;
    for (let i = from[swap] as number; i < end; i++) {
      const inJ = j * this.#classes + (classes[i] as number);
      const inK = k * this.#classes + (classes[i] as number);
      this.#cells[inJ] = (this.#cells[inJ] as number) + (changes[i] as number);
      this.#cells[inK] = (this.#cells[inK] as number) - (changes[i] as number);
    }
    for (let fact = 0; fact < FACTS; fact++) {
      this.#facts[j * FACTS + fact] = this.#after[fact] as number;
      this.#facts[k * FACTS + fact] = this.#after[FACTS + fact] as number;
    }
  }

  /** Computes the divergence from the other facts of a cluster, which begin at this place. */
  #diverge(facts: Float64Array, at: number): number {
    const samples = facts[at + SAMPLES] as number;
    const divergence =
      ((facts[at + PRESENT] as number) - this.#log(samples)) / samples + (facts[at + MISSING] as number);
    facts[at + DIVERGENCE] = divergence;
    return divergence;
  }

  #add(client: number, cluster: number): void {
    for (const [c, count] of (this.#swaps.units[client] as Int32Array).entries()) {
      this.#cells[cluster * this.#classes + c] = (this.#cells[cluster * this.#classes + c] as number) + count;
    }
    const at = cluster * FACTS;
    this.#facts[at + PRESENT] = (this.#facts[at + PRESENT] as number) - (this.#weights[client] as number);
    this.#facts[at + SAMPLES] = (this.#facts[at + SAMPLES] as number) + (this.#samples[client] as number);
  }

  /** Adds what the classes of a whole cluster weigh. */
  #weigh(cluster: number): void {
    const at = cluster * FACTS;
    for (const [c, absent] of this.#absent.entries()) {
      const count = this.#cells[cluster * this.#classes + c] as number;
      this.#facts[at + PRESENT] = (this.#facts[at + PRESENT] as number) + this.#log(count);
      if (count === 0) this.#facts[at + MISSING] = (this.#facts[at + MISSING] as number) + absent;
    }
    this.#diverge(this.#facts, at);
  }

  #log(n: number): number {
    return n < this.#logs.length ? (this.#logs[n] as number) : timesLog(n);
  }
}

/** n·ln n. */
const timesLog = (n: number): number => (n === 0 ? 0 : n * Math.log(n));
