// An instance as DNS-SD says it (RFC 6763): a name below `_qedge._tcp.local`, where it listens (SRV, A, AAAA) and what it is (TXT).
// Its name is for people; which instance it is stands in the TXT record.
//
//   service=pilotnet node=pi-7 id=9000 scheme=http label.accelerator=hailo-8 profile.energy=3.5

import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { parseBoundedJson } from '../../../core/bounded-json.ts';
import type { HostPort, Instance } from '../../../core/domain.ts';
import { type DnsRecord, escapeLabel, labelsOf } from '../../../net/dns/message.ts';
import { BadMessage, type Fields, readChoice, readText, show } from '../../messages/bad-message.ts';

export const SERVICE_TYPE = '_qedge._tcp.local';
/** RFC 6763, section 9: every type of service that there is. */
export const TYPES_NAME = '_services._dns-sd._udp.local';

/** RFC 6762, section 10: what names a host, and the rest. */
const HOST_SECONDS = 120;
const OTHER_SECONDS = 4_500;
/** RFC 6763, section 6.2: beyond it no packet holds the rest. */
const TEXT_BYTES_MAX = 4_096;
const LABEL_BYTES_MAX = 63;

/** The records of one instance; `pointers` are shared with others of their name. */
export interface InstanceRecords {
  readonly pointers: readonly DnsRecord[];
  readonly service: DnsRecord;
  readonly text: DnsRecord;
  readonly address: DnsRecord;
}

/**
 * `attempt`: how often another one was found to have its name.
 *
 * @throws BadMessage where the records would be too large, and where its address has a zone
 */
export function recordsOf(instance: Instance, attempt: number): InstanceRecords {
  const { service, nodeId, id, host, port } = instance;
  if (host.includes('%')) throw new BadMessage('address', `the zone of ${show(host)} is one of this machine alone`);
  const name = `${escapeLabel(labelOf(`${service} ${id} on ${nodeId}`, attempt))}.${SERVICE_TYPE}`;
  const target = `qedge-${host.replaceAll(/[.:]/g, '-')}.local`;
  const own = { ttlSeconds: HOST_SECONDS, flush: true } as const;
  return {
    pointers: [
      { name: SERVICE_TYPE, ttlSeconds: OTHER_SECONDS, data: { type: 'PTR', target: name } },
      { name: TYPES_NAME, ttlSeconds: OTHER_SECONDS, data: { type: 'PTR', target: SERVICE_TYPE } },
    ],
    service: { ...own, name, data: { type: 'SRV', priority: 0, weight: 0, port, target } },
    text: { name, ttlSeconds: OTHER_SECONDS, flush: true, data: { type: 'TXT', texts: textsOf(instance) } },
    address: { ...own, name: target, data: { type: isIPv6(host) ? 'AAAA' : 'A', address: host } },
  };
}

/** @throws BadMessage that names what is wrong */
export function instanceFrom(texts: readonly string[], { host, port }: HostPort): Instance {
  if (texts.reduce((sum, text) => sum + text.length, 0) > TEXT_BYTES_MAX) {
    throw new BadMessage('size', `TXT has more than ${TEXT_BYTES_MAX} bytes`);
  }
  const fields: Fields = Object.fromEntries(
    texts.map((text) => {
      const [key = '', ...value] = text.split('=');
      return [key, value.join('=')];
    }),
  );
  const below = (prefix: string): (readonly [string, string])[] =>
    Object.entries(fields).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), String(value)] as const] : [],
    );
  const profile = below('profile.').map(([key, value]) => [key, readJson(key, value)] as const);
  return {
    service: readText(fields, 'service'),
    nodeId: readText(fields, 'node'),
    id: readText(fields, 'id'),
    scheme: readChoice(fields, 'scheme', { choices: ['http', 'https', 'h2c'], fallback: 'http' }),
    host,
    port,
    labels: Object.fromEntries(below('label.')),
    profile: profile.length === 0 ? null : Object.fromEntries(profile),
  };
}

/** The part of an instance's name that is its own. */
export const labelIn = (name: string): string => labelsOf(name)[0] ?? name;

function textsOf({ service, nodeId, id, scheme, labels, profile }: Instance): readonly string[] {
  const texts = [
    `service=${service}`,
    `node=${nodeId}`,
    `id=${id}`,
    `scheme=${scheme}`,
    ...Object.entries(labels).map(([key, value]) => `label.${key}=${value}`),
    ...Object.entries(profile ?? {}).map(([key, value]) => `profile.${key}=${JSON.stringify(value)}`),
  ];
  const long = texts.find((text) => Buffer.byteLength(text) > 255);
  if (long !== undefined)
    throw new BadMessage('size', `${long.slice(0, 40)}… has more than the 255 bytes of a TXT entry`);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > TEXT_BYTES_MAX)
    throw new BadMessage('size', `its TXT would have ${bytes} bytes, more than ${TEXT_BYTES_MAX}`);
  return texts;
}

/** Returns a label of at most 63 bytes (RFC 6763, section 4.1.1); one that is cut off stays unique. */
function labelOf(text: string, attempt: number): string {
  const behind = attempt === 0 ? '' : ` (${attempt + 1})`;
  if (Buffer.byteLength(text + behind) <= LABEL_BYTES_MAX) return text + behind;
  const mark = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return `${text.slice(0, LABEL_BYTES_MAX - behind.length - 9)} ${mark}${behind}`;
}

function readJson(key: string, text: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch {
    throw new BadMessage('json', `profile.${key} is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
  }
}
