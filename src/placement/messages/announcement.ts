// What this node says of itself and its instances: the payloads of the native topics, as message.ts reads them.

import type { DeviceLoad, Instance, Node } from '../../core/domain.ts';

/** Payload of a node topic; what is null is left out. */
export function encodeNode(node: Node): string {
  return JSON.stringify({
    address: node.address ?? undefined,
    probe_port: node.probePort ?? undefined,
    probe_tls: node.probeTls === true ? true : undefined,
    tier: node.tier ?? undefined,
    labels: node.labels,
    boot: node.boot ?? undefined,
    pressure: node.pressure ? encodeLoad(node.pressure) : undefined,
  });
}

/** Payload of an instance topic; what is null is left out. */
export function encodeInstance(instance: Instance, boot: string | null): string {
  const { host, port, scheme, labels, profile } = instance;
  return JSON.stringify({ host, port, scheme, labels, profile: profile ?? undefined, boot: boot ?? undefined });
}

function encodeLoad(pressure: DeviceLoad): Record<string, unknown> {
  return {
    cpu: pressure.cpuRatio ?? undefined,
    memory: pressure.memoryRatio ?? undefined,
    temperature_c: pressure.temperatureC ?? undefined,
    throttled: pressure.throttled ?? undefined,
    power: pressure.power ?? undefined,
    battery: pressure.batteryRatio ?? undefined,
  };
}
