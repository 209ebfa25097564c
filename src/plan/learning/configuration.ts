// A configuration of hierarchical federated learning: which node gathers the models of which, and how often, within a budget of communication
// (AIoTwin D1.3, section 3.2). Pure: nodes in, configuration or reason out.

import { type Clustering, type ClusteringTask, leastCost, leastDivergence, meanDivergence } from './clusters.ts';
import { countClasses } from './divergence.ts';
import { costPerEpoch, type Frequency, type FrequencySearch, findFrequency, type Traffic } from './frequency.ts';
import { type LearningNode, type LearningTopology, linkCost } from './topology.ts';

/** `min-kld`: each cluster's data like the data of all; `min-cost`: each client where its link costs least. */
export type Strategy = 'min-kld' | 'min-cost';

/** What a configuration is asked for. */
export interface ConfigurationRequest {
  readonly strategy: Strategy;
  readonly modelMb: number;
  /** Units of communication for each epoch. */
  readonly budget: number;
  readonly search: FrequencySearch;
  readonly seed: number;
  /** Given in place of sought. */
  readonly frequency?: Frequency;
  /** Aggregator → clients, given in place of sought. */
  readonly clusters?: ReadonlyMap<string, readonly string[]>;
}

/** Which node sends to which, how often, and what it costs. */
export interface LearningConfiguration extends Frequency {
  readonly global: string;
  /** With one level, the global aggregator has the only cluster. */
  readonly clusters: readonly Cluster[];
  /** Mean Kullback–Leibler divergence of the clusters from all data; null of one level. */
  readonly divergence: number | null;
  readonly costPerEpoch: number;
}

export interface Cluster {
  readonly aggregator: string;
  readonly clients: readonly string[];
}

/** No configuration meets what was asked; the message says why. */
export class NoConfigurationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoConfigurationError';
  }
}

/** @throws NoConfigurationError */
export function configure(topology: LearningTopology, request: ConfigurationRequest): LearningConfiguration {
  // With one aggregator or none there is nothing to divide: all clients send to the global one.
  const { clusters, divergence } = oneLevel(topology, request)
    ? { clusters: [{ aggregator: topology.global, clients: topology.clients }], divergence: null }
    : clustersOf(topology, request);
  const traffic = trafficOf(topology.global, clusters, request.modelMb);
  const frequency = request.frequency ?? findFrequency(traffic, request.budget, request.search);
  if (frequency === null) throw new NoConfigurationError(whyNot(traffic, request.budget));
  return {
    global: topology.global.id,
    clusters: clusters.map(({ aggregator, clients }) => ({
      aggregator: aggregator.id,
      clients: clients.map(({ id }) => id),
    })),
    divergence,
    epochs: frequency.epochs,
    localRounds: frequency.localRounds,
    costPerEpoch: costPerEpoch(traffic, frequency),
  };
}

interface NodeCluster {
  readonly aggregator: LearningNode;
  readonly clients: readonly LearningNode[];
}

interface Clusters {
  readonly clusters: readonly NodeCluster[];
  readonly divergence: number | null;
}

function oneLevel({ aggregators }: LearningTopology, { clusters }: ConfigurationRequest): boolean {
  return clusters === undefined && aggregators.length < 2;
}

function clustersOf(topology: LearningTopology, request: ConfigurationRequest): Clusters {
  if (request.clusters !== undefined) return given(topology, request.clusters);
  const { aggregators, clients } = topology;
  if (clients.length < aggregators.length) {
    throw new NoConfigurationError(
      `expected at least a client for each aggregator, got ${clients.length} for ${aggregators.length}`,
    );
  }
  const task: ClusteringTask = {
    counts: countClasses(clients),
    cost: clients.map((client) => aggregators.map((aggregator) => linkCost(client, aggregator))),
    aggregators: aggregators.length,
    seed: request.seed,
  };
  const clustering = request.strategy === 'min-kld' ? leastDivergence(task) : leastCost(task);
  if (clustering === null) throw new NoConfigurationError(unreachable(topology));
  return named(topology, clustering);
}

function named({ aggregators, clients }: LearningTopology, { clusters, divergence }: Clustering): Clusters {
  return {
    clusters: aggregators.map((aggregator, k) => ({
      aggregator,
      clients: (clusters[k] ?? []).map((i) => clients[i] as LearningNode),
    })),
    divergence,
  };
}

function given(topology: LearningTopology, wanted: ReadonlyMap<string, readonly string[]>): Clusters {
  const left = new Map(topology.clients.map((client, i) => [client.id, i]));
  const indices = [...wanted].map(([id, names]) => {
    const aggregator = [...topology.aggregators, topology.global].find((node) => node.id === id);
    if (aggregator === undefined) throw new NoConfigurationError(`no such aggregator: "${id}"`);
    const members = names.map((name) => {
      const index = left.get(name);
      if (index === undefined) throw new NoConfigurationError(`no such client, or in two clusters: "${name}"`);
      left.delete(name);
      return index;
    });
    return { aggregator, members };
  });
  if (left.size > 0) throw new NoConfigurationError(`clients without a cluster: ${[...left.keys()].join(', ')}`);
  return {
    clusters: indices.map(({ aggregator, members }) => ({
      aggregator,
      clients: members.map((i) => topology.clients[i] as LearningNode),
    })),
    divergence: meanDivergence(
      indices.map(({ members }) => members),
      countClasses(topology.clients),
    ),
  };
}

/** What one gathering of each level costs, in units. */
function trafficOf(global: LearningNode, clusters: readonly NodeCluster[], modelMb: number): Traffic {
  let local = 0;
  let above = 0;
  for (const { aggregator, clients } of clusters) {
    for (const client of clients) local += linkCost(client, aggregator) * modelMb;
    above += linkCost(aggregator, global) * modelMb;
  }
  return { local, global: above };
}

function whyNot({ local, global }: Traffic, budget: number): string {
  if (!Number.isFinite(local)) return 'some client has no link to its aggregator';
  if (!Number.isFinite(global)) return 'some aggregator has no link to the global one';
  return `no frequency keeps an epoch within ${budget} units: one gathering costs ${local} below and ${global} above`;
}

function unreachable({ aggregators, clients }: LearningTopology): string {
  const alone = clients.filter((client) =>
    aggregators.every((aggregator) => linkCost(client, aggregator) === Number.POSITIVE_INFINITY),
  );
  if (alone.length > 0) return `no link to any aggregator: ${alone.map(({ id }) => id).join(', ')}`;
  return 'the links allow no clusters of equal size: too many clients reach the same few aggregators alone';
}
