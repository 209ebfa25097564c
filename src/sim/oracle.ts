// The oracle that regret is measured against: one central mind that knows every rate, round trip, fault and response curve the moment
// it changes, and gives every load balancer the weights that maximise the share of requests within the limit.
//
// max Σ_k λ_k Σ_m w_km F_m(τ − ℓⁿ_km, λ_m),  λ_m = Σ_k λ_k w_km,  by exponentiated gradient ascent the best iterate
// kept; F from response-table.ts. It is a static allocation per state of the world: a policy that dodges a stall can do better.

import type { DrivenRouter, RouterRequest } from './balancers.ts';
import { type Allocation, OracleRouter } from './oracle-router.ts';
import { type ResponseTable, responseTable } from './response-table.ts';
import type { Scenario } from './scenario.ts';
import type { Change, World } from './world.ts';

export interface Oracle {
  readonly createRouter: (request: RouterRequest) => DrivenRouter;
  readonly onChange: (change: Change, nowMs: number) => void;
}

const ITERATIONS = 400;
/** A step too far makes the next ones shorter, a good one makes them a little longer. */
const STEP_FIRST = 1;
const STEP_GROWS = 1.05;
const STEP_SHRINKS = 0.7;
const RETURN_BELOW = 0.998;
/** An overloaded instance costs more than a request is worth; no single step runs away from it further than this. */
const GRADIENT_MIN = -1;
/** Instances considered per load balancer: its nearest. */
const NEAREST_MAX = 16;
const WEIGHT_MIN = 1e-6;
/** Requests per second by which the slope of a response curve is taken. */
const STEP_RATE = 2;

interface SiteState {
  up: boolean;
  freezes: number;
  slowFactor: number;
  delayMs: number;
  linkMs: number;
  errorRatio: number;
}

export function createOracle(scenario: Scenario, world: World): Oracle {
  return new CentralAllocation(scenario, world);
}

class CentralAllocation implements Oracle, Allocation {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #states: SiteState[];
  readonly #nearest: readonly (readonly number[])[];
  /** [balancer][place in #nearest[balancer]] */
  #weights: readonly Float64Array[];
  readonly #boundariesMs: readonly number[];
  #validFromMs = Number.NEGATIVE_INFINITY;
  #validUntilMs = Number.NEGATIVE_INFINITY;
  version = 0;

  constructor(scenario: Scenario, world: World) {
    this.#scenario = scenario;
    this.#world = world;
    this.#states = world.instances.map(({ fromStart }) => ({
      up: fromStart,
      freezes: 0,
      slowFactor: 1,
      delayMs: 0,
      linkMs: 0,
      errorRatio: 0,
    }));
    this.#nearest = world.balancers.map((_, b) =>
      world.instances
        .map((_, i) => i)
        .sort((x, y) => this.#rttMs(b, x) - this.#rttMs(b, y))
        .slice(0, NEAREST_MAX),
    );
    this.#weights = this.#nearest.map((near) => new Float64Array(near.length).fill(1 / near.length));
    this.#boundariesMs = [...new Set(scenario.clients.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs]))].sort(
      (a, b) => a - b,
    );
  }

  createRouter = ({ balancer }: RouterRequest): DrivenRouter => new OracleRouter(this, this.#world, balancer);

  onChange = (change: Change, nowMs: number): void => {
    if (change.kind === 'keep' || change.kind === 'restart') return;
    apply(change, this.#states[change.instance] as SiteState);
    // Changes at one moment are taken together when somebody asks next.
    this.#validUntilMs = Math.min(this.#validUntilMs, nowMs);
  };

  weights(balancer: number, nowMs: number): Float64Array {
    if (!(nowMs >= this.#validFromMs && nowMs < this.#validUntilMs)) this.#allocate(nowMs);
    return this.#weights[balancer] as Float64Array;
  }

  instances(balancer: number): readonly number[] {
    return this.#nearest[balancer] as readonly number[];
  }

  #allocate(nowMs: number): void {
    this.#validFromMs = nowMs;
    this.#validUntilMs = this.#boundariesMs.find((atMs) => atMs > nowMs) ?? Number.POSITIVE_INFINITY;
    this.version++;
    const rates = this.#ratesAt(nowMs);
    const tables = this.#states.map((state, i) => this.#tableOf(state, i));
    for (const weights of this.#weights) weights.fill(1 / weights.length);
    let weights: readonly Float64Array[] = this.#weights;
    let step = STEP_FIRST;
    let best = 0;
    let last = 0;
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      const { successRate, gradients } = this.#evaluate(weights, rates, tables);
      step *= successRate >= last ? STEP_GROWS : STEP_SHRINKS;
      last = successRate;
      if (successRate > best) {
        best = successRate;
        this.#weights = weights;
      }
      // What overshot by far starts again from the best so far.
      const from = successRate < best * RETURN_BELOW ? this.#weights : weights;
      weights = ascend(from === weights ? gradients : this.#evaluate(from, rates, tables).gradients, from, step);
    }
  }

  /** Requests per second that succeed, and what one more from b to m would bring: its own success, less its cost to all others there. */
  #evaluate(
    weights: readonly Float64Array[],
    rates: Float64Array,
    tables: readonly (ResponseTable | null)[],
  ): { successRate: number; gradients: Float64Array[] } {
    const arrivals = new Float64Array(tables.length);
    this.#forEachShare(weights, rates, (share, i) => {
      (arrivals[i] as number) += share;
    });
    const costs = new Float64Array(tables.length);
    const gradients = this.#nearest.map((near) => new Float64Array(near.length));
    let successRate = 0;
    this.#forEachShare(weights, rates, (share, i, b, n) => {
      const table = tables[i];
      if (table === undefined || table === null) return;
      const { linkMs, delayMs, errorRatio } = this.#states[i] as SiteState;
      const leftMs = this.#scenario.qos.latencyMs - this.#rttMs(b, i) - linkMs - delayMs;
      const rate = arrivals[i] as number;
      const success = (1 - errorRatio) * table.within(leftMs, rate);
      (gradients[b] as Float64Array)[n] = success;
      successRate += share * success;
      (costs[i] as number) +=
        (share * (success - (1 - errorRatio) * table.within(leftMs, rate + STEP_RATE))) / STEP_RATE;
    });
    this.#forEachShare(weights, rates, (_, i, b, n) => {
      ((gradients[b] as Float64Array)[n] as number) -= costs[i] as number;
    });
    return { successRate, gradients };
  }

  /** Visits each load balancer's requests per second to each instance that it considers. */
  #forEachShare(
    weights: readonly Float64Array[],
    rates: Float64Array,
    visit: (share: number, instance: number, balancer: number, place: number) => void,
  ): void {
    for (const [b, near] of this.#nearest.entries()) {
      for (const [n, i] of near.entries()) {
        visit((rates[b] as number) * ((weights[b] as Float64Array)[n] as number), i, b, n);
      }
    }
  }

  /** In requests of usual work. */
  #ratesAt(nowMs: number): Float64Array {
    const rates = new Float64Array(this.#world.balancers.length);
    for (const { balancer, periodMs, workFactor, firstMs, untilMs } of this.#world.clients) {
      if (firstMs - periodMs <= nowMs && nowMs < untilMs)
        (rates[balancer] as number) += (1_000 / periodMs) * workFactor;
    }
    return rates;
  }

  #tableOf({ up, freezes, slowFactor }: SiteState, i: number): ResponseTable | null {
    if (!up || freezes > 0) return null;
    const model = (this.#world.instances[i] as World['instances'][number]).model;
    // Repeated slowing and its undoing leave rounding behind; the table must not be made anew for that.
    const factor = Math.round(slowFactor * 1e6) / 1e6;
    return responseTable(factor === 1 ? model : { ...model, workMeanMs: model.workMeanMs * factor });
  }

  #rttMs(balancer: number, i: number): number {
    const { rttMs, nodes } = this.#world.topology;
    const node = this.#world.balancers[balancer] as number;
    const there = (this.#world.instances[i] as World['instances'][number]).node;
    return (rttMs[node * nodes.length + there] as number) + this.#scenario.network.jitterMs;
  }
}

function apply(change: Exclude<Change, { kind: 'keep' | 'restart' }>, state: SiteState): void {
  switch (change.kind) {
    case 'up':
      state.up = true;
      return;
    case 'down':
      state.up = false;
      return;
    case 'freeze':
      state.freezes++;
      return;
    case 'thaw':
      state.freezes--;
      return;
    case 'slow':
      state.slowFactor *= change.factor;
      return;
    case 'delay':
      state.delayMs += change.addMs;
      return;
    case 'link':
      state.linkMs += change.addMs;
      return;
    case 'errors':
      state.errorRatio += change.addRatio;
      return;
    case 'announce':
    case 'withdraw':
      return;
  }
}

/** The weights after one step of exponentiated gradient for every load balancer. */
function ascend(gradients: readonly Float64Array[], weights: readonly Float64Array[], step: number): Float64Array[] {
  return weights.map((row, b) => {
    const gradient = gradients[b] as Float64Array;
    const best = Math.max(...gradient);
    const next = row.map((weight, n) =>
      Math.max(WEIGHT_MIN, weight * Math.exp(step * Math.max(GRADIENT_MIN, (gradient[n] as number) - best))),
    );
    const total = next.reduce((sum, weight) => sum + weight, 0);
    return next.map((weight) => weight / total);
  });
}
