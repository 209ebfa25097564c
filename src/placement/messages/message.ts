// A message from the broker as the cache takes it: which topic family it came by, and what it says.
// Native topics hold state (the payload replaces what was there, empty removes it); the informer's are events.

import type { DeviceLoad, Instance, Node, Scheme } from '../../core/domain.ts';
import { readSummary, type Summary } from '../../core/neighbours/summary.ts';
import type { AddressPolicy } from '../address-policy.ts';
import {
  BadMessage,
  type Fields,
  readChoice,
  readLabels,
  readOptionalObject,
  readOptionalText,
  readPayload,
  readPort,
  readText,
  show,
} from './bad-message.ts';
import { type RoundTrips, readRoundTrips } from './round-trips.ts';
import { parseTopic, type TopicAddress } from './topics.ts';

/** What a node says that it saw of a service's instances. */
export interface ObservationsMessage {
  readonly kind: 'observations';
  readonly nodeId: string;
  readonly service: string;
  /** Null: it takes back what it said. */
  readonly summary: Summary | null;
  /** Round trips from it to nodes in its reach. */
  readonly roundTrips: RoundTrips;
}

/** A message as the cache takes it. */
export type PlacementMessage =
  | { readonly kind: 'node-set'; readonly node: Node }
  | { readonly kind: 'node-cleared'; readonly nodeId: string }
  | { readonly kind: 'instance-set'; readonly instance: Instance; readonly boot: string | null }
  | { readonly kind: 'instance-cleared'; readonly service: string; readonly nodeId: string; readonly id: string }
  | {
      readonly kind: 'informer-set';
      readonly instance: Instance;
      /** INSTANCE_ADDED: a new life, even right after a removal. */
      readonly fresh: boolean;
    }
  /** An instance that has no address yet: nothing to route to. */
  | { readonly kind: 'informer-pending'; readonly service: string; readonly nodeId: string; readonly id: string }
  | {
      readonly kind: 'informer-cleared';
      readonly service: string;
      readonly nodeId: string;
      readonly id: string;
      /** INSTANCE_REMOVED rather than INSTANCE_STOPPED: the name is done with. */
      readonly final: boolean;
    };

/** A message as it comes from a broker. */
export interface RawMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface ParseContext {
  /** Topic prefix of the native topics. */
  readonly prefix: string;
  /** This node: its own address is ours, and right. */
  readonly nodeId: string;
  readonly addresses: AddressPolicy;
}

/**
 * What the message says.
 * @throws BadMessage with a reason that names the offending value.
 */
export function parseMessage(
  { topic, payload }: RawMessage,
  context: ParseContext,
): PlacementMessage | ObservationsMessage {
  const address = parseTopic(context.prefix, topic);
  if (address === null) throw new BadMessage('topic', `topic ${show(topic)} has no known form`);
  if (address.kind === 'node') return parseNode(address.nodeId, payload, context);
  if (address.kind === 'observations') return parseObservations(address, payload);
  if (address.kind === 'instance') return parseInstance(address, payload, context.addresses);
  return parseInformer(address, payload, context.addresses);
}

type InstanceAddress = Exclude<TopicAddress, { kind: 'node' | 'observations' }>;

function parseObservations(
  { nodeId, service }: Extract<TopicAddress, { kind: 'observations' }>,
  payload: Uint8Array,
): ObservationsMessage {
  const message = { kind: 'observations', nodeId, service } as const;
  if (payload.length === 0) return { ...message, summary: null, roundTrips: new Map() };
  const fields = readPayload(payload);
  const read = readSummary(fields);
  if (typeof read !== 'string') return { ...message, summary: read, roundTrips: readRoundTrips(fields.rtts) };
  const what = { version: `version ${show(fields.version)}`, shape: 'another shape', impossible: 'impossible figures' };
  throw new BadMessage(read === 'shape' ? 'type' : read, `observations of ${what[read]}`);
}

function parseNode(nodeId: string, payload: Uint8Array, context: ParseContext): PlacementMessage {
  if (payload.length === 0) return { kind: 'node-cleared', nodeId };
  const fields = readPayload(payload);
  const address = readOptionalText(fields, 'address');
  const probePort =
    fields.probe_port === undefined || fields.probe_port === null ? null : readPort(fields, 'probe_port');
  // Probes go to this address, so it is held to the same rules as an instance's.
  if (address !== null && nodeId !== context.nodeId) check(context.addresses, address, probePort ?? 0);
  const node: Node = {
    id: nodeId,
    address,
    probePort,
    ...(fields.probe_tls === true ? { probeTls: true } : {}),
    tier: readChoice(fields, 'tier', { choices: ['far-edge', 'near-edge', 'cloud'], fallback: null }),
    labels: readLabels(fields),
    boot: readOptionalText(fields, 'boot'),
    load: readLoad(fields),
  };
  return { kind: 'node-set', node };
}

const SCHEMES: readonly Scheme[] = ['http', 'https', 'h2c'];

function parseInstance(topic: InstanceAddress, payload: Uint8Array, addresses: AddressPolicy): PlacementMessage {
  const { service, nodeId, id } = topic;
  if (payload.length === 0) return { kind: 'instance-cleared', service, nodeId, id };
  const fields = readPayload(payload);
  const host = readText(fields, 'host');
  const port = readPort(fields, 'port');
  check(addresses, host, port);
  const instance: Instance = {
    service,
    nodeId,
    id,
    scheme: readChoice(fields, 'scheme', { choices: SCHEMES, fallback: 'http' }),
    host,
    port,
    labels: readLabels(fields),
    profile: readOptionalObject(fields, 'profile'),
  };
  return { kind: 'instance-set', instance, boot: readOptionalText(fields, 'boot') };
}

const INFORMER_TYPES = ['INSTANCE_ADDED', 'INSTANCE_RUNNING', 'INSTANCE_STOPPED', 'INSTANCE_REMOVED'] as const;

function parseInformer(topic: InstanceAddress, payload: Uint8Array, addresses: AddressPolicy): PlacementMessage {
  const { service, nodeId, id } = topic;
  if (payload.length === 0) throw new BadMessage('json', 'payload is empty');
  const fields = readPayload(payload);
  const type = readChoice(fields, 'type', { choices: INFORMER_TYPES, fallback: null });
  if (type === null) throw new BadMessage('type', `type is missing: ${show(fields)}`);
  if (type === 'INSTANCE_STOPPED' || type === 'INSTANCE_REMOVED') {
    return { kind: 'informer-cleared', service, nodeId, id, final: type === 'INSTANCE_REMOVED' };
  }
  const endpoint = readEndpoint(fields, addresses);
  if (endpoint === null) return { kind: 'informer-pending', service, nodeId, id };
  const instance: Instance = { service, nodeId, id, scheme: 'http', ...endpoint, labels: {}, profile: null };
  return { kind: 'informer-set', instance, fresh: type === 'INSTANCE_ADDED' };
}

/** Null while the pod has no address yet. */
function readEndpoint(fields: Fields, addresses: AddressPolicy): { host: string; port: number } | null {
  const data = readOptionalObject(fields, 'messageData');
  if (data === null || data.ipAddress === '' || data.ipAddress === undefined || data.ipAddress === null) return null;
  const host = readText(data, 'ipAddress');
  const port = readPort(data, 'port');
  check(addresses, host, port);
  return { host, port };
}

function readLoad(fields: Fields): DeviceLoad | null {
  // `pressure`: its former name, by which earlier versions send it.
  const data = readOptionalObject(fields, 'load') ?? readOptionalObject(fields, 'pressure');
  if (data === null) return null;
  return {
    cpuRatio: readOptionalNumber(data, 'cpu'),
    memoryRatio: readOptionalNumber(data, 'memory'),
    temperatureC: readOptionalNumber(data, 'temperature_c'),
    throttled: readOptionalFlag(data, 'throttled'),
    power: readChoice(data, 'power', { choices: ['mains', 'battery'], fallback: null }),
    batteryRatio: readOptionalNumber(data, 'battery'),
  };
}

function readOptionalNumber(fields: Fields, name: string): number | null {
  const value = fields[name];
  if (value === undefined || value === null) return null;
  // JSON has numbers beyond all bounds, such as 1e999.
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new BadMessage('type', `load.${name} is not a number: ${show(value)}`);
}

function readOptionalFlag(fields: Fields, name: string): boolean | null {
  const value = fields[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value;
  throw new BadMessage('type', `load.${name} is not true or false: ${show(value)}`);
}

function check(addresses: AddressPolicy, host: string, port: number): void {
  const refusal = addresses.refusal(host, port);
  if (refusal !== null) throw new BadMessage('address', refusal);
}
