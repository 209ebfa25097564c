// Where things are on the broker. Native topics are retained, one per node and one per instance; the informer's are
// events. A topic names the node, the payload what is known of it.
//
//   <prefix>/nodes/<node>
//   <prefix>/nodes/<node>/services/<service>/instances/<instance>
//   <prefix>/nodes/<node>/observations/<service>
//   changes/node/<node>/service/<service>/instance/<instance>

import type { Instance } from '../../core/domain.ts';

/** What a topic speaks of. */
export type TopicAddress =
  | { readonly kind: 'node'; readonly nodeId: string }
  | { readonly kind: 'observations'; readonly nodeId: string; readonly service: string }
  | {
      readonly kind: 'instance' | 'informer';
      readonly nodeId: string;
      readonly service: string;
      readonly id: string;
    };

/** Longest node, service or instance name in a topic: a DNS name's 253 characters (RFC 1035, as Kubernetes names). */
export const NAME_LENGTH_MAX = 253;

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._:@~-]*$/;

/** The topic of one node, retained. */
export function nodeTopic(prefix: string, nodeId: string): string {
  return `${prefix}/nodes/${nodeId}`;
}

/** The topic of one instance, retained. */
export function instanceTopic(
  prefix: string,
  { nodeId, service, id }: Pick<Instance, 'nodeId' | 'service' | 'id'>,
): string {
  return `${prefix}/nodes/${nodeId}/services/${service}/instances/${id}`;
}

/** The topic of what a node saw of a service's instances. */
export function observationsTopic(prefix: string, nodeId: string, service: string): string {
  return `${prefix}/nodes/${nodeId}/observations/${service}`;
}

/** Filter for every node. */
export function nodesFilter(prefix: string): string {
  return `${prefix}/nodes/+`;
}

/** Filter for a service's instances: on one node, or on all with `+`. */
export function instancesFilter(prefix: string, nodeId: string, service: string): string {
  return `${prefix}/nodes/${nodeId}/services/${service}/instances/+`;
}

/** Filter for everything that was ever published of one node's instances. */
export function ownInstancesFilter(prefix: string, nodeId: string): string {
  return `${prefix}/nodes/${nodeId}/services/+/instances/+`;
}

/** The filter for the informer's events of a service. */
export function informerFilter(service: string): string {
  return `changes/node/+/service/${service}/instance/+`;
}

/** What `topic` speaks of; null when it is none of ours or a name in it has characters that no name of ours has. */
export function parseTopic(prefix: string, topic: string): TopicAddress | null {
  if (topic.startsWith(`${prefix}/`)) return parseNative(topic.slice(prefix.length + 1).split('/'));
  const parts = topic.split('/');
  const [changes, node, nodeId = '', service, name = '', instance, id = ''] = parts;
  const wellFormed = changes === 'changes' && node === 'node' && service === 'service' && instance === 'instance';
  if (!wellFormed || parts.length !== 7 || ![nodeId, name, id].every(isName)) return null;
  return { kind: 'informer', nodeId, service: name, id };
}

function parseNative(parts: readonly string[]): TopicAddress | null {
  const [nodes, nodeId = '', services, service = '', instances, id = ''] = parts;
  if (nodes !== 'nodes' || !isName(nodeId)) return null;
  if (parts.length === 2) return { kind: 'node', nodeId };
  if (parts.length === 4 && services === 'observations')
    return isName(service) ? { kind: 'observations', nodeId, service } : null;
  const wellFormed = parts.length === 6 && services === 'services' && instances === 'instances';
  return wellFormed && isName(service) && isName(id) ? { kind: 'instance', nodeId, service, id } : null;
}

/** What a node, service or instance may be called in a topic. */
export function isName(text: string): boolean {
  return text.length <= NAME_LENGTH_MAX && NAME.test(text);
}
