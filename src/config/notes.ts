// What is allowed but may surprise: said by `qedge check` and at each start, and held against nothing.

import { readFileSync } from 'node:fs';
import type { Config, ServiceConfig } from './config.ts';

/** One sentence each. `descriptorsMax`: file descriptors that a process may have open; null where that is not known. */
export function configNotes(
  { services, proxy, mqtt, announce, placement }: Config,
  descriptorsMax: number | null,
): readonly string[] {
  const announced = new Set(announce.map(({ service }) => service));
  const empty = services.filter(
    ({ name, instances }) =>
      mqtt === null && !isLearned(placement, name) && instances.length === 0 && !announced.has(name),
  );
  const dotted = services.filter(({ name, listen }) => name.includes('.') && listen === null);
  return [
    ...empty.map(
      ({ name }) =>
        `service "${name}" can have no instances: expected instances, an [[announce]] of it, or [mqtt] or a source under [placement] to learn them from`,
    ),
    ...services.flatMap(earlierForms),
    ...services
      .filter(({ overload, policy }) => overload === 'shed' && policy.name !== 'qedge')
      .map(
        ({ name, policy }) =>
          `service.overload: "shed" of "${name}" has no effect, since policy ${policy.name} refuses nothing`,
      ),
    ...dotted.map(
      ({ name }) =>
        `service.name: no Host can name "${name}", since its first label ends at the dot; ${proxy.serviceHeader} or a port of its own can`,
    ),
    ...(descriptorsMax === null ? [] : descriptorNotes(proxy.connectionsMax, descriptorsMax)),
  ];
}

/** Whether some source beside the broker may know instances of the service. */
const isLearned = ({ file, docker, dns, mdns }: Config['placement'], service: string): boolean =>
  [file, docker, mdns].some((source) => source !== null) || dns?.names[service] !== undefined;

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
