// The oracle that regret is measured against: one central mind that knows every rate, round trip, fault and response curve the moment
// it changes, and gives every load balancer the split by which the most requests succeed (best-split.ts; the curves are those of
// response-table.ts). It is a fixed split per state of the world: a policy that dodges a stall can do better.

import type { DrivenRouter, RouterRequest } from '../balancers.ts';
import type { Scenario } from '../scenario.ts';
import type { Change } from '../world/change.ts';
import { busyRatio } from '../world/spells.ts';
import type { World, WorldClient } from '../world/world.ts';
import { findBestSplit, UTILISATION_STEP } from './best-split.ts';
import { findDemandSplit } from './demand-split.ts';
import { asksForMore, Demands, type Reach } from './demands.ts';
import { type Allocation, OracleRouter } from './oracle-router.ts';
import { type ResponseTable, responseTable } from './response-table.ts';

export interface Oracle {
  readonly createRouter: (request: RouterRequest) => DrivenRouter;
  readonly onChange: (change: Change, nowMs: number) => void;
}

/** Pairs of load balancer and instance in the problem; beyond, each load balancer considers its best ones only. */
const PAIRS_MAX = 20_000;
const INSTANCES_MIN = 16;
/** Allocations kept for a state of the world that comes back. */
const KEPT_MAX = 64;

/** Requests per second of each load balancer to each instance, and what is refused in a last place. */
type AllocatedShares = readonly Float64Array[];

interface SiteState {
  up: boolean;
  freezes: number;
  slowFactor: number;
  delayMs: number;
  linkMs: number;
  errorRatio: number;
}

/** The oracle of this world, which knows all that the world will do. */
export function createOracle(scenario: Scenario, world: World): Oracle {
  return new CentralAllocation(scenario, world);
}

class CentralAllocation implements Oracle, Allocation {
  readonly #scenario: Scenario;
  readonly #world: World;
  /** Null: success is all that counts. */
  readonly #demands: Demands | null;
  readonly #states: SiteState[];
  readonly #boundariesMs: readonly number[];
  readonly #kept = new Map<string, AllocatedShares>();
  #shares: AllocatedShares = [];
  #validFromMs = Number.NEGATIVE_INFINITY;
  #validUntilMs = Number.NEGATIVE_INFINITY;

  constructor(scenario: Scenario, world: World) {
    this.#scenario = scenario;
    this.#world = world;
    this.#demands = asksForMore(scenario) ? new Demands(scenario, world) : null;
    this.#states = world.instances.map(({ fromStart }) => ({
      up: fromStart,
      freezes: 0,
      slowFactor: 1,
      delayMs: 0,
      linkMs: 0,
      errorRatio: 0,
    }));
    this.#boundariesMs = [...new Set(scenario.clients.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs]))].sort(
      (a, b) => a - b,
    );
  }

  createRouter = ({ balancer }: RouterRequest): DrivenRouter => new OracleRouter(this, this.#world, balancer);

  onChange = (change: Change, nowMs: number): void => {
    if (!changesSite(change)) return;
    apply(change, this.#states[change.instance] as SiteState);
    // Changes at one moment are taken together when the next request asks.
    this.#validUntilMs = Math.min(this.#validUntilMs, nowMs);
  };

  shares(balancer: number, nowMs: number): Float64Array {
    if (!(nowMs >= this.#validFromMs && nowMs < this.#validUntilMs)) this.#allocate(nowMs);
    return this.#shares[balancer] as Float64Array;
  }

  #allocate(nowMs: number): void {
    this.#validFromMs = nowMs;
    this.#validUntilMs = this.#boundariesMs.find((atMs) => atMs > nowMs) ?? Number.POSITIVE_INFINITY;
    const key = JSON.stringify([this.#states, this.#validUntilMs]);
    const known = this.#kept.get(key);
    this.#shares = known ?? this.#bestShares(nowMs);
    if (known === undefined && this.#kept.size < KEPT_MAX) this.#kept.set(key, this.#shares);
  }

  /**
   * The curves are those of arrivals at random, but a load balancer that sends each fourth request to an instance sends at even
   * intervals: what a split does to arrivals is taken into account in a second search. So is, where there are demands, that clients may
   * send at even intervals: a share would else be bought with room that is not needed. Where success is all that counts, room costs nothing.
   */
  #bestShares(nowMs: number): AllocatedShares {
    const tables = this.#tables();
    const random = new Float64Array(tables.length).fill(1);
    const rates = this.#ratesAt(nowMs, () => true);
    const first = this.#search(rates, tables, random);
    const atRandom = this.#demands === null ? rates : this.#ratesAt(nowMs, isRandom);
    return this.#search(rates, tables, variabilities(first, { rates, atRandom }));
  }

  #search(rates: Float64Array, tables: readonly (ResponseTable | null)[], variability: Float64Array): AllocatedShares {
    const capacities = Float64Array.from(tables, (table) => table?.capacity ?? 0);
    const considered = this.#world.balancers.map((_, b) => this.#bestInReach(b, tables, variability));
    const instances = considered.map((places) => places.map(({ instance }) => instance));
    const shares =
      this.#demands === null
        ? findBestSplit({
            rates,
            capacities,
            instances,
            curves: considered.map((row) => row.map(({ success }) => success)),
          }).shares
        : findDemandSplit({
            rates,
            capacities,
            instances,
            demands: this.#demands.of(considered),
            costs: this.#demands.costs,
          }).shares;
    return shares.map((row, b) => {
      const all = new Float64Array(tables.length + 1);
      all[tables.length] = row.at(-1) as number;
      for (const [n, i] of (instances[b] as number[]).entries()) all[i] = row[n] as number;
      return all;
    });
  }

  /** Instances that could answer b in time, the best at half their capacity first, with their success over utilisation. */
  #bestInReach(b: number, tables: readonly (ResponseTable | null)[], variability: Float64Array): Reach[] {
    const half = Math.round(0.5 / UTILISATION_STEP);
    return tables
      .flatMap((table, instance) => {
        const { linkMs, delayMs, errorRatio } = this.#states[instance] as SiteState;
        const wayMs = this.#rttMs(b, instance) + linkMs + delayMs;
        const leftMs = this.#scenario.qos.latencyMs - wayMs;
        if (table === null || !(leftMs > 0) || this.#demands?.allows(b, instance) === false) return [];
        const answered = 1 - errorRatio;
        const varied = variability[instance] as number;
        const success = table.curve(leftMs, varied).map((ratio) => answered * ratio);
        const meanMs = table.means(varied).map((ms) => wayMs + ms);
        return (success[0] as number) > 0 ? [{ instance, success, meanMs, answered }] : [];
      })
      .sort((x, y) => (y.success[half] as number) - (x.success[half] as number))
      .slice(0, Math.max(INSTANCES_MIN, Math.floor(PAIRS_MAX / this.#world.balancers.length)));
  }

  /** What comes to each load balancer from the clients that `counts` is true of, in requests of usual work. */
  #ratesAt(nowMs: number, counts: (client: WorldClient) => boolean): Float64Array {
    const rates = new Float64Array(this.#world.balancers.length);
    for (const client of this.#world.clients) {
      const { balancer, workFactor, firstMs, periodMs, untilMs } = client;
      if (firstMs - periodMs > nowMs || nowMs >= untilMs || !counts(client)) continue;
      (rates[balancer] as number) += ((1_000 * client.burst) / periodMs) * busyRatio(client) * workFactor;
    }
    return rates;
  }

  /** Null for what answers nothing now. Where everything stands still, it will move again for all alike. */
  #tables(): (ResponseTable | null)[] {
    const moving = this.#states.some(({ up, freezes }) => up && freezes === 0);
    return this.#states.map(({ up, freezes, slowFactor }, i) => {
      if (!up || (moving && freezes > 0)) return null;
      const model = (this.#world.instances[i] as World['instances'][number]).model;
      // Repeated slowing and its undoing leave rounding behind; the table must not be made again for that.
      const factor = Math.round(slowFactor * 1e6) / 1e6;
      return responseTable(factor === 1 ? model : { ...model, workMeanMs: model.workMeanMs * factor });
    });
  }

  #rttMs(balancer: number, i: number): number {
    const { rttMs, nodes } = this.#world.topology;
    const node = this.#world.balancers[balancer] as number;
    const there = (this.#world.instances[i] as World['instances'][number]).node;
    return (rttMs[node * nodes.length + there] as number) + this.#scenario.network.jitterMs;
  }
}

type OfSite = Exclude<Change, { kind: 'keep' | 'restart' | 'uplink' | 'broker' }>;

/** What a load balancer's own uplink does befalls all of its requests alike, and the oracle needs no broker. */
function changesSite(change: Change): change is OfSite {
  return !['keep', 'restart', 'uplink', 'broker'].includes(change.kind);
}

function apply(change: OfSite, state: SiteState): void {
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

/** Not at even intervals, which leave nothing of chance over the time in which a queue grows. */
function isRandom({ pattern, burst, thinkMs, idleMs }: WorldClient): boolean {
  return pattern !== 'periodic' || burst > 1 || thinkMs !== null || idleMs > 0;
}

/** Requests per second that come to each load balancer, and those of them that come at random. */
interface Arrivals {
  readonly rates: Float64Array;
  readonly atRandom: Float64Array;
}

/**
 * Squared coefficient of variation of the gaps between arrivals at each instance. Of a random stream, each 1/w-th in turn leaves
 * Erlang gaps with w; streams that come together count by their rates (Albin 1984, the asymptotic method).
 */
function variabilities(shares: AllocatedShares, { rates, atRandom }: Arrivals): Float64Array {
  const instances = (shares[0] as Float64Array).length - 1;
  return Float64Array.from({ length: instances }, (_, i) => {
    let total = 0;
    let varied = 0;
    for (const [b, row] of shares.entries()) {
      const share = row[i] as number;
      total += share;
      if (share > 0) varied += (share * share * (atRandom[b] as number)) / (rates[b] as number) ** 2;
    }
    return total === 0 ? 1 : varied / total;
  });
}
