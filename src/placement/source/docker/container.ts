// A container, as the engine lists it → the instance that its labels make of it.

import { isIPv6 } from 'node:net';
import { parseBoundedJson } from '../../../core/bounded-json.ts';
import type { HostPort, Instance } from '../../../core/domain.ts';
import {
  BadMessage,
  type Fields,
  readChoice,
  readOptionalObject,
  readOptionalText,
  readText,
  show,
} from '../../messages/bad-message.ts';
import { SERVICE_LABEL } from './engine.ts';

/** Where a container is reached: at the port that it publishes on this machine, or at its address in a network. */
export type Reached = 'published' | 'container';

export interface Placing {
  /** This node: its containers run here. */
  readonly nodeId: string;
  readonly reached: Reached;
}

const LABEL_PREFIX = 'qedge.label.';
const PROFILE_PREFIX = 'qedge.profile.';

/** Returns the name of a container, for people. */
export function nameOf(container: unknown): string {
  const { Names: names, Id: id } = fieldsOf(container);
  const name = Array.isArray(names) && typeof names[0] === 'string' ? names[0].replace(/^\//, '') : id;
  return typeof name === 'string' ? name.slice(0, 64) : 'a container without a name';
}

/**
 * Null where the container's own health check fails, or has not passed yet.
 * @throws BadMessage that says what is wrong with its labels
 */
export function instanceOf(container: unknown, { nodeId, reached }: Placing): Instance | null {
  const fields = fieldsOf(container);
  const status = typeof fields.Status === 'string' ? fields.Status : '';
  if (/\((?:unhealthy|health: starting)\)/.test(status)) return null;
  const labels = readOptionalObject(fields, 'Labels') ?? {};
  const scheme = readChoice(labels, 'qedge.scheme', { choices: ['http', 'https', 'h2c'], fallback: 'http' });
  return {
    service: readText(labels, SERVICE_LABEL),
    nodeId,
    id: readOptionalText(labels, 'qedge.id') ?? nameOf(container),
    scheme,
    ...placeOf(fields, labels, reached),
    labels: Object.fromEntries(startingWith(labels, LABEL_PREFIX).map(([name, value]) => [name, String(value)])),
    profile: profileOf(labels),
  };
}

interface Port {
  readonly inside: number;
  /** Null: it is not published. */
  readonly published: HostPort | null;
}

function placeOf(container: Fields, labels: Fields, reached: Reached): HostPort {
  const ports = portsOf(container);
  const port = portOf(labels, ports);
  // Where a port is published for both IPv4 and IPv6, IPv4 counts.
  const published = ports
    .flatMap((one) => (one.inside === port && one.published !== null ? [one.published] : []))
    .sort((a, b) => Number(isIPv6(a.host)) - Number(isIPv6(b.host)))[0];
  if (published !== undefined && reached === 'published') return published;
  const host = addressIn(container, readOptionalText(labels, 'qedge.network'));
  if (host !== null) return { host, port };
  if (published !== undefined) return published;
  throw new BadMessage('address', `port ${port} is not published, and no network gives the container an address`);
}

function portOf(labels: Fields, ports: readonly Port[]): number {
  const written = labels['qedge.port'];
  if (written === undefined) {
    const inside = new Set(ports.map((port) => port.inside));
    const [only] = inside;
    if (inside.size === 1 && only !== undefined) return only;
    throw new BadMessage('port', `label qedge.port is missing, and the container has ${inside.size} ports`);
  }
  const port = Number(written);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new BadMessage('port', `label qedge.port is not a port (1 to 65535): ${show(written)}`);
}

/** Where all addresses of this machine are meant, its own. */
const OWN: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1', '': '127.0.0.1' };

function portsOf({ Ports: ports }: Fields): readonly Port[] {
  return (Array.isArray(ports) ? ports : []).map(fieldsOf).flatMap((one): Port[] => {
    const { IP: ip = '', PrivatePort: inside, PublicPort: port, Type: type = 'tcp' } = one;
    if (type !== 'tcp' || typeof inside !== 'number') return [];
    const isPublished = typeof port === 'number' && port > 0 && typeof ip === 'string';
    return [{ inside, published: isPublished ? { host: OWN[ip] ?? ip, port } : null }];
  });
}

/** Null where no network gives it one. `network`: the one that is meant; without it the first by name. */
function addressIn(container: Fields, network: string | null): string | null {
  const networks = fieldsOf(fieldsOf(container.NetworkSettings).Networks);
  if (network !== null && networks[network] === undefined) {
    throw new BadMessage('address', `the container is not in the network ${show(network)} (qedge.network)`);
  }
  // It shares the addresses of this machine.
  if (networks.host !== undefined && (network ?? 'host') === 'host') return '127.0.0.1';
  for (const name of network === null ? Object.keys(networks).sort() : [network]) {
    const { IPAddress: v4, GlobalIPv6Address: v6 } = fieldsOf(networks[name]);
    const address = v4 || v6;
    if (typeof address === 'string') return address;
  }
  return null;
}

/** Numbers, true and false, and JSON where a value looks like that; else text. */
function profileOf(labels: Fields): Fields | null {
  const entries = startingWith(labels, PROFILE_PREFIX).map(
    ([name, value]) => [name, profileValue(String(value))] as const,
  );
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function profileValue(text: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch {
    return text;
  }
}

const startingWith = (labels: Fields, prefix: string): (readonly [string, unknown])[] =>
  Object.entries(labels).flatMap(([name, value]) =>
    name.startsWith(prefix) && name.length > prefix.length ? [[name.slice(prefix.length), value] as const] : [],
  );

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
