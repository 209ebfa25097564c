// A configuration as what each node is to do. Pure.

import type { LearningConfiguration } from '../../plan/learning/configuration.ts';
import type { Part } from '../messages/payloads.ts';

export interface PartsOptions {
  readonly generation: number;
  /** The round that is done already. */
  readonly round: number;
  readonly snapshotUrl: string;
  /** Where the command of a node listens. */
  readonly addressOf: (node: string) => string;
}

/** The part of each node, from the root down: a node that others send to comes first. */
export function partsOf(
  { global, clusters, epochs, localRounds }: LearningConfiguration,
  { generation, round, snapshotUrl, addressOf }: PartsOptions,
): ReadonlyMap<string, Part> {
  const isOneLevel = clusters.every(({ aggregator }) => aggregator === global);
  const common = { generation, epochs, local_rounds: localRounds, round };
  const children = isOneLevel ? clusters.reduce((sum, { clients }) => sum + clients.length, 0) : clusters.length;
  const parts = new Map<string, Part>();
  parts.set(global, { ...common, role: 'global-aggregator', children, snapshot_url: snapshotUrl });
  for (const { aggregator, clients } of isOneLevel ? [] : clusters) {
    parts.set(aggregator, { ...common, role: 'aggregator', parent: addressOf(global), children: clients.length });
  }
  for (const { aggregator, clients } of clusters) {
    for (const client of clients) {
      parts.set(client, { ...common, role: 'client', parent: addressOf(aggregator), children: 0 });
    }
  }
  return parts;
}
