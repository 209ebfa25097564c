// What the admin port reports of this node, in its words, from what the parts say of themselves in theirs.

import type { BrokerFacts, ListenerFacts, NodeFacts, ProbeFacts } from '../admin/state/state.ts';
import type { Config, ListenAddress, NodeConfig } from '../config/config.ts';
import type { NameResolver } from '../net/resolver.ts';
import type { Placement, PlacementState } from '../placement/placement.ts';
import type { Prober, ProbeState } from '../probe/prober.ts';
import type { BoundListener } from '../proxy/proxy.ts';
import type { DataPlanes } from './data-planes.ts';
import type { ReloadRecord } from './reload-record.ts';
import type { AppOptions } from './running-app.ts';
import type { WarmRestart } from './warm-restart.ts';
import type { Housekeeping } from './watch/housekeeping.ts';
import { troublesOf } from './watch/troubles.ts';

/** The parts that say something of this node. */
export interface NodeReportParts {
  readonly options: Pick<AppOptions, 'version' | 'commit' | 'troubles'>;
  readonly config: Config;
  readonly adminListener: ListenAddress;
  readonly dataPlanes: Pick<DataPlanes, 'listeners' | 'routers'>;
  readonly placement: Pick<Placement, 'state'>;
  readonly prober: Pick<Prober, 'state'>;
  readonly names: Pick<NameResolver, 'state'>;
  readonly reloads: Pick<ReloadRecord, 'facts'>;
  readonly housekeeping: Pick<Housekeeping, 'brokerSinceMs'>;
  readonly wallMsOf: (clockMs: number) => number;
  readonly warmRestart: Pick<WarmRestart, 'facts'>;
}

/** This node as the admin port shows it now. */
export function nodeReport(parts: NodeReportParts): NodeFacts {
  const { options, config, dataPlanes } = parts;
  const { brokerSinceMs } = parts.housekeeping;
  const placement = parts.placement.state();
  const { broker, sources } = placement;
  const instanceCounts = new Map([...dataPlanes.routers].map(([name, { candidates }]) => [name, candidates.length]));
  const troubles = troublesOf({ names: parts.names.state(), broker, sources, instanceCounts });
  return {
    ...config.node,
    version: options.version,
    commit: options.commit,
    listeners: listenerFacts(dataPlanes.listeners, parts.adminListener),
    configuration: parts.reloads.facts,
    broker: brokerFacts(placement, brokerSinceMs === null ? null : parts.wallMsOf(brokerSinceMs)),
    sources,
    store: parts.warmRestart.facts(),
    troubles: [...troubles, ...(options.troubles?.() ?? [])],
    neighbourhood: placement.neighbourhood,
    probes: probeFacts(parts.prober.state(), placement.nodes, config.node),
  };
}

/** Every listener as bound, the admin port last. */
export function listenerFacts(proxy: readonly BoundListener[], admin: ListenAddress): ListenerFacts[] {
  return [...proxy, { name: 'admin', ...admin }].map(({ name, host, port }) => ({ name, host, port }));
}

function brokerFacts(placement: PlacementState, sinceMs: number | null): BrokerFacts | null {
  const { broker } = placement;
  if (broker === null) return null;
  return {
    url: broker.url,
    connected: broker.connected,
    sinceMs,
    messagesReceived: broker.messagesReceived,
    messagesRejected: placement.rejected,
  };
}

/** `own`: this node, whose own announcement is no news to it. */
function probeFacts(
  probes: readonly ProbeState[],
  nodes: PlacementState['nodes'],
  own: Pick<NodeConfig, 'id' | 'tier'>,
): ProbeFacts[] {
  const tiers = new Map([own, ...nodes.map(({ node }) => node)].map(({ id, tier }) => [id, tier]));
  return probes.map(({ nodeId, rttMs, failures, ageMs }) => ({
    nodeId,
    tier: tiers.get(nodeId) ?? null,
    rttMs,
    failures,
    ageMs,
  }));
}
