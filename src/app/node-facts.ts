// What the admin port reports of this node, in its words, from what the parts say of themselves in theirs.

import type { BrokerFacts, ListenerFacts, ProbeFacts } from '../admin/state/state.ts';
import type { ListenAddress, NodeConfig } from '../config/config.ts';
import type { PlacementState } from '../placement/placement.ts';
import type { ProbeState } from '../probe/prober.ts';
import type { BoundListener } from '../proxy/proxy.ts';

export function listenerFacts(proxy: readonly BoundListener[], admin: ListenAddress): ListenerFacts[] {
  return [...proxy, { name: 'admin', ...admin }].map(({ name, host, port }) => ({ name, host, port }));
}

export function brokerFacts(placement: PlacementState, sinceMs: number | null): BrokerFacts | null {
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
export function probeFacts(
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
