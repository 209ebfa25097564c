// What is allowed but may surprise: said by `qedge check` and at each start, and held against nothing.

import { readFileSync } from 'node:fs';
import { TIERS, type Tier } from '../core/domain.ts';
import { readProfile } from '../core/profile.ts';
import { attributesText, fitsSome } from '../core/requirements/attributes.ts';
import type { Config, ServiceConfig, StaticInstanceConfig } from './config.ts';
import { isLoopback } from './loopback.ts';
import type { PlacedInstance } from './schema/placement/instance.ts';
import { KEEP_DEFAULT } from './schema/service/qos.ts';

/**
 * One sentence each. `descriptorsMax`: file descriptors that a process may have open; null where that is not known. `listed`: what the files
 * of `[placement.file]` list; null where they were not read.
 */
export function configNotes(
  config: Config,
  descriptorsMax: number | null,
  listed: readonly PlacedInstance[] | null = null,
): readonly string[] {
  const { node, services, proxy, announce } = config;
  const known = (service: ServiceConfig): readonly KnownInstance[] => instancesOf(service, config, listed ?? []);
  const empty = services.filter((service) => !isLearned(config, service.name, null) && known(service).length === 0);
  const dotted = services.filter(({ name, listen }) => name.includes('.') && listen === null);
  return [
    ...empty.map(
      ({ name }) =>
        `service "${name}" can have no instances: expected instances, an [[announce]] of it, or [mqtt] or a source under [placement] to learn them from`,
    ),
    ...services.flatMap((service) => ownPorts(service, config)),
    ...services.flatMap(earlierForms),
    ...services.flatMap(cutOffInTime),
    ...services.flatMap(forgottenInTime),
    ...services.flatMap(unsteered),
    ...services.flatMap(keptForNothing),
    ...services.flatMap((service) => otherScale(service, announce)),
    ...services
      .filter(({ name }) => !isLearned(config, name, listed))
      .flatMap((service) => [
        ...missingAttributes(service, known(service), node),
        ...nothingToSave(service, known(service)),
      ]),
    ...dotted.map(
      ({ name }) =>
        `service.name: no Host can name "${name}", since its first label ends at the dot; ${proxy.serviceHeader} or a port of its own can`,
    ),
    ...(descriptorsMax === null ? [] : descriptorNotes(proxy.connectionsMax, descriptorsMax)),
  ];
}

/** What is known of an instance before it runs. */
type KnownInstance = Pick<StaticInstanceConfig, 'nodeId' | 'scheme' | 'labels' | 'profile'>;

/** Those of its own list, those of this node, and those that files list. */
function instancesOf(
  { name, instances }: ServiceConfig,
  { node, announce }: Config,
  listed: readonly PlacedInstance[],
): readonly KnownInstance[] {
  const isOwn = ({ service }: { readonly service: string }): boolean => service === name;
  return [...instances, ...announce.filter(isOwn).map((one) => ({ ...one, nodeId: node.id })), ...listed.filter(isOwn)];
}

/** Instances that are this proxy itself. */
function ownPorts({ name, instances }: ServiceConfig, { node, proxy, services }: Config): string[] {
  const ports = [proxy.listen, ...services.map(({ listen }) => listen)].flatMap((one) => (one === null ? [] : [one]));
  const isOwn = ({ host, port }: StaticInstanceConfig): boolean =>
    ports.some(
      (one) =>
        one.port === port && (one.host === host || host === node.address || (isLoopback(host) && isLoopback(one.host))),
    );
  return instances
    .filter(isOwn)
    .map(
      ({ host, port }) =>
        `service.instances of "${name}": this qedge listens at ${host}:${port} itself, and answers 508 what comes back to it`,
    );
}

/** Timeouts that end an attempt whose answer would still be in time. */
function cutOffInTime({ name, timeoutMs, qos: { latencyMs } }: ServiceConfig): string[] {
  if (timeoutMs >= latencyMs) return [];
  return [
    `service.timeout of "${name}" is ${timeoutMs} ms: answers between that and qos.latency, ${latencyMs} ms, are not waited for, though they would be in time`,
  ];
}

/** Windows that end before the next answer has to come: they hold next to nothing. */
function forgottenInTime({ name, qos: { latencyMs, windowMs } }: ServiceConfig): string[] {
  if (windowMs >= latencyMs) return [];
  return [
    `service.qos.window of "${name}" is ${windowMs} ms, less than qos.latency, ${latencyMs} ms: little is learned, since an answer is forgotten before the next one is late`,
  ];
}

/** Goals that only the default policy steers for, under another one. */
function unsteered({ name, policy, qos, objective }: ServiceConfig): string[] {
  if (policy.name === 'qedge') return [];
  const asked = [
    ...(qos.meanLatencyMs === null ? [] : ['qos.mean_latency']),
    ...(qos.reliabilityRatio === null ? [] : ['qos.reliability']),
    ...(qos.availability === null ? [] : ['qos.availability']),
    ...(objective.least === null ? [] : ['objective.least']),
  ];
  return asked.map(
    (key) => `service.${key} of "${name}" is not steered for, since policy ${policy.name} knows nothing of it`,
  );
}

/** Room that is kept for an objective that is not set. */
function keptForNothing({ name, objective: { least, keepRatio } }: ServiceConfig): string[] {
  if (least !== null || keepRatio === KEEP_DEFAULT) return [];
  return [`service.objective.keep of "${name}" changes nothing without objective.least`];
}

/** An accuracy is written as a share in one place and in percent in another: every instance would have it, or none. */
function otherScale({ name, qos: { accuracy }, instances }: ServiceConfig, announce: Config['announce']): string[] {
  const min = accuracy?.accuracyMin ?? null;
  if (min === null || min === 0) return [];
  const own = announce.filter(({ service }) => service === name);
  for (const profile of [...instances, ...own].map((one) => readProfile(one.profile))) {
    const most = Math.max(0, ...(profile.accuracy ?? []));
    if (most > 0 && most > 1 !== min > 1) {
      const one = `min is ${min}, and an instance has an accuracy of ${most}`;
      return [`service.qos.accuracy of "${name}": ${one}; expected both as shares of 1, or both in percent`];
    }
  }
  return [];
}

/** Attributes that none of the instances has. */
function missingAttributes(
  { name, qos }: ServiceConfig,
  instances: readonly KnownInstance[],
  node: Config['node'],
): string[] {
  const { security, accuracy, shares } = qos;
  const facts = instances.map((instance) => ({
    instance: { ...instance, tier: tierOf(instance, node) },
    local: instance.nodeId === node.id,
    profile: readProfile(instance.profile),
  }));
  if (facts.length === 0) return [];
  const admitted = security === null ? facts : facts.filter((one) => fitsSome(one, security));
  const barred =
    security === null || admitted.length > 0
      ? []
      : [
          `service.qos.security of "${name}": no instance has ${attributesText(security)}, so that all requests get 503`,
        ];
  const some = admitted.length > 0 && admitted.length < facts.length;
  const none = some ? 'no instance that qos.security lets through' : 'no instance';
  const unserved = [...(accuracy === null ? [] : [accuracy]), ...shares].filter(
    (share) => !(some ? admitted : facts).some((one) => fitsSome(one, share)),
  );
  const shortOf = unserved.map(
    (share) => `service.qos of "${name}": ${none} has ${attributesText(share)}, so that its share cannot be met`,
  );
  return [...barred, ...shortOf];
}

/** None of the instances says what a request costs there, or some do not. */
function nothingToSave({ name, objective: { least } }: ServiceConfig, instances: readonly KnownInstance[]): string[] {
  if (least === null || instances.length === 0) return [];
  const unknown = instances.filter(({ profile }) => {
    const { energyMwh, cost } = readProfile(profile);
    return (least === 'energy' ? energyMwh : cost) === null;
  }).length;
  if (unknown === 0) return [];
  const key = least === 'energy' ? 'energy_mwh' : 'cost';
  const about = `service.objective of "${name}"`;
  return unknown === instances.length
    ? [`${about}: no instance has ${key} in its profile, so that nothing is saved`]
    : [
        `${about}: ${unknown} of ${instances.length} instances have no ${key} in their profile and count as the dearest`,
      ];
}

/** The tier of its node, or as its label says. */
function tierOf({ nodeId, labels }: KnownInstance, { id, tier }: Config['node']): Tier | null {
  if (nodeId === id) return tier;
  return TIERS.find((one) => one === labels.tier) ?? null;
}

/** Whether there may be instances of the service that are not known here. `listed`: null where files were not read. */
function isLearned({ mqtt, placement }: Config, service: string, listed: readonly PlacedInstance[] | null): boolean {
  const { file, docker, dns, mdns } = placement;
  const sources = [mqtt, docker, mdns, listed === null ? file : null];
  return sources.some((source) => source !== null) || dns?.names[service] !== undefined;
}

/** Keys that are read under the name that they had before. */
function earlierForms({ name, failureStatusMin, admission }: ServiceConfig): string[] {
  const deprecated = (key: string, value: unknown, now: string): string[] =>
    value === null ? [] : [`service.${key}: ${value} of "${name}" is deprecated: use ${now}`];
  return [
    ...deprecated('failure_status_min', failureStatusMin, 'failure.statuses'),
    ...deprecated('admission', admission, 'infeasible'),
  ];
}

/** Beside connections: the store, the broker, the log, the event loop's own, and room for a reload. */
const DESCRIPTORS_OTHER = 64;

function descriptorNotes(connectionsMax: number, descriptorsMax: number): string[] {
  // A request may need a connection of its own to an instance.
  const needed = 2 * connectionsMax + DESCRIPTORS_OTHER;
  if (needed <= descriptorsMax) return [];
  return [
    `proxy.connections_max: ${connectionsMax} connections may need ${needed} file descriptors, the limit is ${descriptorsMax} (ulimit -n, LimitNOFILE=)`,
  ];
}

/** Node raises the soft limit to the hard one when it starts, so the hard one counts. Null where it cannot be read. */
export function descriptorLimit(limitsFile = '/proc/self/limits'): number | null {
  try {
    const match = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync(limitsFile, 'utf8'));
    return match === null ? null : Number(match[1]);
  } catch {
    return null;
  }
}
