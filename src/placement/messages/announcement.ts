// What this node says of itself and its instances: the payloads of the native topics, as message.ts reads them.

import type { LearningConfig } from '../../config/config.ts';
import type { DeviceLoad, Instance, Node } from '../../core/domain.ts';

/** Payload of a node topic, with what it brings to federated learning; what is null is left out. */
export function encodeNode(node: Node, learning: LearningConfig | null): string {
  return JSON.stringify({
    address: node.address ?? undefined,
    probe_port: node.probePort ?? undefined,
    probe_tls: node.probeTls === true ? true : undefined,
    tier: node.tier ?? undefined,
    labels: node.labels,
    boot: node.boot ?? undefined,
    load: node.load ? encodeLoad(node.load) : undefined,
    fl: learning === null ? undefined : encodeLearning(learning),
  });
}

/** Payload of an instance topic; what is null is left out. */
export function encodeInstance(instance: Instance, boot: string | null): string {
  const { host, port, scheme, labels, profile } = instance;
  return JSON.stringify({ host, port, scheme, labels, profile: profile ?? undefined, boot: boot ?? undefined });
}

/** Never the command: what is run is the node's own business. */
const encodeLearning = ({ role, port, costs, samples }: LearningConfig): Record<string, unknown> => ({
  role,
  port,
  costs,
  samples,
});

function encodeLoad(load: DeviceLoad): Record<string, unknown> {
  return {
    cpu: load.cpuRatio ?? undefined,
    memory: load.memoryRatio ?? undefined,
    temperature_c: load.temperatureC ?? undefined,
    throttled: load.throttled ?? undefined,
    power: load.power ?? undefined,
    battery: load.batteryRatio ?? undefined,
  };
}
