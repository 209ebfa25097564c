// Whether another configuration is worth its change (AIoTwin D1.3, section 3.1; reactive orchestration under a communication budget,
// arXiv 2412.03385). First by what is known of data and links; after some rounds by the accuracy that both have shown.

import {
  type ConfigurationRequest,
  configure,
  type LearningConfiguration,
  NoConfigurationError,
} from './configuration.ts';
import { accuracyAt, fitCurve, type RoundAccuracy, roundOf } from './curve.ts';
import { type LearningNode, type LearningTopology, linkCost } from './topology.ts';

/** How much of the task is left; null: no such limit. */
export interface Remaining {
  readonly rounds: number | null;
  /** Units of communication. */
  readonly units: number | null;
}

/** What to do after the nodes changed. `needed`: the present configuration cannot go on. */
export type Reconfiguration =
  | {
      readonly kind: 'keep';
      readonly configuration: LearningConfiguration;
      readonly gain: number;
      readonly cost: number;
    }
  | {
      readonly kind: 'change';
      readonly configuration: LearningConfiguration;
      readonly needed: boolean;
      readonly gain: number;
      readonly cost: number;
    };

/** Epochs that a task without any limit is taken to have before it. */
const EPOCHS_UNBOUNDED = 1_000;

/**
 * The configuration for the nodes there are now, or the present one without the nodes that left: the one that is worth more.
 *
 * @throws NoConfigurationError where neither is possible
 */
export function reconfigure(
  current: LearningConfiguration,
  topology: LearningTopology,
  { request, remaining }: { readonly request: ConfigurationRequest; readonly remaining: Remaining },
): Reconfiguration {
  const kept = withoutLeft(current, topology, request);
  const proposed = proposal(topology, request, kept !== null);
  if (proposed === null) return { kind: 'keep', configuration: kept as LearningConfiguration, gain: 0, cost: 0 };
  if (kept === null) {
    return {
      kind: 'change',
      configuration: proposed,
      needed: true,
      gain: 0,
      cost: changeCost(current, proposed, { topology, request }),
    };
  }
  const cost = changeCost(kept, proposed, { topology, request });
  const gain = gainOf(kept, proposed, { topology, remaining });
  return isSame(kept, proposed) || gain <= cost
    ? { kind: 'keep', configuration: kept, gain, cost }
    : { kind: 'change', configuration: proposed, needed: false, gain, cost };
}

/** Which node sends where, and how often, as it was, without the nodes that are gone; null where an aggregator or a whole cluster is gone. */
export function withoutLeft(
  { global, clusters, epochs, localRounds }: LearningConfiguration,
  topology: LearningTopology,
  request: ConfigurationRequest,
): LearningConfiguration | null {
  if (topology.global.id !== global) return null;
  const clients = new Map(topology.clients.map((node) => [node.id, node]));
  const left = clusters.map((cluster) => ({ ...cluster, clients: cluster.clients.filter((id) => clients.has(id)) }));
  if (left.some((cluster) => cluster.clients.length === 0)) return null;
  const members = left.flatMap((cluster) => cluster.clients.map((id) => clients.get(id) as LearningNode));
  try {
    const given = new Map(left.map((cluster) => [cluster.aggregator, cluster.clients]));
    const same = configure(
      { ...topology, clients: members },
      { ...request, frequency: { epochs, localRounds }, clusters: given },
    );
    return Number.isFinite(same.costPerEpoch) ? same : null;
  } catch (error) {
    if (error instanceof NoConfigurationError) return null;
    throw error;
  }
}

function proposal(
  topology: LearningTopology,
  request: ConfigurationRequest,
  optional: boolean,
): LearningConfiguration | null {
  try {
    return configure(topology, request);
  } catch (error) {
    if (optional && error instanceof NoConfigurationError) return null;
    throw error;
  }
}

/** Units for the model's way to a new aggregator: half of the link's cost for each client that has another one than before. */
export function changeCost(
  before: LearningConfiguration,
  after: LearningConfiguration,
  { topology, request }: { readonly topology: LearningTopology; readonly request: ConfigurationRequest },
): number {
  const aggregatorBefore = aggregatorOf(before);
  const nodes = new Map(allNodes(topology).map((node) => [node.id, node]));
  let cost = 0;
  for (const { aggregator, clients } of after.clusters) {
    for (const id of clients) {
      const [client, to] = [nodes.get(id), nodes.get(aggregator)];
      if (aggregatorBefore.get(id) === aggregator || client === undefined || to === undefined) continue;
      cost += (linkCost(client, to) / 2) * request.modelMb;
    }
  }
  return cost;
}

/**
 * What the proposed configuration saves over the epochs that are left, in units. An epoch is worth the share of all samples that take
 * part, divided by 1 + divergence: where it is worth less, as many more are needed for the same.
 */
function gainOf(
  kept: LearningConfiguration,
  proposed: LearningConfiguration,
  { topology, remaining }: { readonly topology: LearningTopology; readonly remaining: Remaining },
): number {
  const worthMore = worthOf(proposed, topology) / worthOf(kept, topology);
  return epochsLeft(kept, remaining) * (kept.costPerEpoch * worthMore - proposed.costPerEpoch);
}

function worthOf({ clusters, divergence }: LearningConfiguration, { clients }: LearningTopology): number {
  const members = new Set(clusters.flatMap((cluster) => cluster.clients));
  const samplesOf = (nodes: readonly LearningNode[]): number =>
    nodes.reduce((sum, { samples }) => sum + [...samples.values()].reduce((all, count) => all + count, 0), 0);
  const share = samplesOf(clients.filter(({ id }) => members.has(id))) / samplesOf(clients);
  return share / (1 + (divergence ?? 0));
}

function epochsLeft(
  { epochs, localRounds, costPerEpoch }: LearningConfiguration,
  { rounds, units }: Remaining,
): number {
  const byRounds = rounds === null ? Number.POSITIVE_INFINITY : rounds * epochs * localRounds;
  const byUnits = units === null || costPerEpoch === 0 ? Number.POSITIVE_INFINITY : units / costPerEpoch;
  const least = Math.max(0, Math.min(byRounds, byUnits));
  return Number.isFinite(least) ? least : EPOCHS_UNBOUNDED;
}

/** Rounds under the new configuration before its accuracy is held against that of the one before. */
export const TRIAL_ROUNDS = 5;

/** A configuration and what it has shown. */
export interface Shown {
  readonly configuration: LearningConfiguration;
  readonly rounds: readonly RoundAccuracy[];
}

/** What is compared, and until when. */
export interface Trial {
  readonly before: Shown;
  readonly now: Shown;
  /** The last round so far. */
  readonly round: number;
  readonly remaining: Remaining;
  /** Accuracy at which the task ends; null: it has no such end. */
  readonly target: number | null;
  /** Units that it costs to go back. */
  readonly cost: number;
}

/** Whether the configuration before was the better one, by both curves continued to the end of the task. */
export function shouldReturn({ before, now, round, remaining, target, cost }: Trial): boolean {
  const [curveBefore, curveNow] = [fitCurve(before.rounds), fitCurve(now.rounds)];
  if (curveBefore === null || curveNow === null) return false;
  if (remaining.rounds === null && remaining.units === null) {
    if (target === null) return false;
    const unitsTo = (curve: typeof curveNow, configuration: LearningConfiguration): number =>
      Math.max(0, roundOf(curve, target) - round) * roundCost(configuration);
    return unitsTo(curveBefore, before.configuration) + cost < unitsTo(curveNow, now.configuration);
  }
  const last = (configuration: LearningConfiguration, units: number | null): number => {
    const byUnits = units === null ? Number.POSITIVE_INFINITY : Math.max(0, units) / roundCost(configuration);
    return round + Math.min(byUnits, remaining.rounds ?? Number.POSITIVE_INFINITY);
  };
  const unitsBack = remaining.units === null ? null : remaining.units - cost;
  return (
    accuracyAt(curveBefore, last(before.configuration, unitsBack)) >
    accuracyAt(curveNow, last(now.configuration, remaining.units))
  );
}

/** Units of one round: all models up once to the global aggregator, and `localRounds` gatherings below. */
export function roundCost({ costPerEpoch, epochs, localRounds }: LearningConfiguration): number {
  return costPerEpoch * epochs * localRounds;
}

/** Whether two configurations have the same clusters and frequency. */
export function isSame(a: LearningConfiguration, b: LearningConfiguration): boolean {
  const [before, after] = [aggregatorOf(a), aggregatorOf(b)];
  return (
    a.global === b.global &&
    a.epochs === b.epochs &&
    a.localRounds === b.localRounds &&
    before.size === after.size &&
    [...before].every(([client, aggregator]) => after.get(client) === aggregator)
  );
}

function aggregatorOf({ clusters }: LearningConfiguration): ReadonlyMap<string, string> {
  return new Map(clusters.flatMap(({ aggregator, clients }) => clients.map((client) => [client, aggregator] as const)));
}

const allNodes = ({ global, aggregators, clients }: LearningTopology): readonly LearningNode[] => [
  global,
  ...aggregators,
  ...clients,
];
