// What a scenario asks for, as the oracle's linear programme takes it: in the order of precedence, each as what a request is worth at an
// instance.

import { ofGroup, readProfile } from '../../core/profile.ts';
import type { Scenario } from '../scenario.ts';
import { AttributeTable } from '../world/attribute-table.ts';
import type { World } from '../world/world.ts';
import { UTILISATION_POINTS } from './best-split.ts';
import type { Demand } from './demand-split.ts';

/** What is measured of a request's way to an instance and back, over utilisation. */
export interface Reach {
  readonly instance: number;
  /** Answered within τ. */
  readonly success: Float64Array;
  /** Mean latency, ms. */
  readonly meanMs: Float64Array;
  /** Answered at all. */
  readonly answered: number;
}

/** A split that reaches a mean latency or a share on average only misses it in half of the windows: the room left, as a share. */
const LATENCY_ROOM = 0.03;
const SHARE_ROOM = 0.02;

/** True where something is required beside the latency goal, or something is to be saved. */
export function asksForMore({ requirements }: Scenario): boolean {
  const { meanLatencyMs, reliabilityRatio, shares, security, objective } = requirements;
  return [meanLatencyMs, reliabilityRatio, security, objective].some((one) => one !== null) || shares.length > 0;
}

/** The demands of a scenario on its world, and what a request costs at each instance. */
export class Demands {
  readonly #scenario: Scenario;
  readonly #shares: readonly AttributeTable[];
  readonly #security: AttributeTable | null;
  /** Costs, indexed by instance; all 0 where nothing is to be saved. */
  readonly costs: Float64Array;

  constructor(scenario: Scenario, world: World) {
    const { shares, security, objective } = scenario.requirements;
    this.#scenario = scenario;
    this.#shares = shares.map((share) => new AttributeTable(world, share));
    this.#security = security === null ? null : new AttributeTable(world, security);
    this.costs = Float64Array.from(world.instances, ({ model }) => {
      const { energyMwh, cost } = readProfile(model.profile ?? null);
      if (objective === null) return 0;
      const known = ofGroup(objective.least === 'energy' ? energyMwh : cost, 0);
      return Number.isNaN(known) ? 0 : known;
    });
  }

  /** Whether the load balancer may use the instance at all. */
  allows(balancer: number, instance: number): boolean {
    return this.#security?.has(balancer, instance, 0) ?? true;
  }

  of(reach: readonly (readonly Reach[])[]): Demand[] {
    const { qos, requirements } = this.#scenario;
    const { meanLatencyMs, reliabilityRatio, shares } = requirements;
    const demand = (least: number, worth: (reach: Reach, balancer: number) => Float64Array): Demand => ({
      least,
      values: reach.map((row, b) => row.map((one) => worth(one, b))),
    });
    const mostMs = (meanLatencyMs ?? 0) * (1 - LATENCY_ROOM);
    return [
      demand(qos.successRatio, ({ success }) => success),
      // A mean of at most `mostMs` is a mean of 2 − latency ÷ `mostMs` of at least 1; beyond twice as much all is lost alike.
      ...(meanLatencyMs === null ? [] : [demand(1, ({ meanMs }) => meanMs.map((ms) => Math.max(0, 2 - ms / mostMs)))]),
      ...(reliabilityRatio === null ? [] : [demand(reliabilityRatio, ({ answered }) => constant(answered))]),
      ...shares.map(({ share }, s) =>
        demand(Math.min(1, share + SHARE_ROOM), ({ instance }, b) =>
          constant(this.#shares[s]?.has(b, instance, 0) === true ? 1 : 0),
        ),
      ),
    ];
  }
}

function constant(value: number): Float64Array {
  return new Float64Array(UTILISATION_POINTS).fill(value);
}
