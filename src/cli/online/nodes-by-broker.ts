// What running nodes retain on a broker of the requests that they send and the round trips that they measured: with each other they speak
// of it all the time (placement/broker/neighbour-talk.ts).

import { section } from '../../config/key.ts';
import { mqttKeys } from '../../config/schema/mqtt.ts';
import { CommandError, EX_USAGE } from '../../errors.ts';
import { createAddressPolicy } from '../../placement/address-policy.ts';
import { overhear } from '../../placement/broker/overhear.ts';
import { type ObservationsMessage, parseMessage, type RawMessage } from '../../placement/messages/message.ts';
import { observationsTopic } from '../../placement/messages/topics.ts';
import type { ObservedNode } from '../../plan/placement/observed.ts';

/** What was heard, of one service. */
export interface HeardNodes {
  readonly service: string;
  readonly nodes: readonly ObservedNode[];
}

/** What nodes said last is retained, and what is due comes within this. */
const LISTEN_MS = 5_000;
/** A broker without MQTT 5 retains none of it: nodes with much to say speak every 8 s. */
const LISTEN_MS_UNRETAINED = 10_000;
/** A broker may hold anything: more than these are not looked at. */
const NODES_MAX = 2_000;

/**
 * Listens for a while.
 *
 * @param service undefined: the only one that is spoken of
 * @throws CommandError where the broker is not reached, or no node speaks of the service
 */
export async function nodesByBroker(
  url: string,
  { service, listenMs }: { readonly service?: string | undefined; readonly listenMs?: number },
): Promise<HeardNodes> {
  const config = mqttConfigOf(url);
  const heard = new Map<string, Map<string, ObservedNode>>();
  await overhear(config, {
    topics: [observationsTopic(config.topicPrefix, '+', service ?? '+')],
    what: 'what nodes say',
    listenMs: listenMs ?? LISTEN_MS,
    unretainedMs: listenMs ?? LISTEN_MS_UNRETAINED,
    onMessage: (message) => {
      const read = observationsIn(message, config.topicPrefix);
      if (read !== null) keep(heard, read);
    },
  });
  return theService(heard, service);
}

function mqttConfigOf(url: string) {
  const { QEDGE_MQTT_USERNAME: username, QEDGE_MQTT_PASSWORD: password } = process.env;
  const context = { directory: process.cwd(), hostname: 'plan', stateDirectory: null };
  const { data, error } = section(mqttKeys(context, `plan-${process.pid}`)).safeParse({ url, username, password });
  if (data === undefined) throw new CommandError(`--from: ${error.issues[0]?.message ?? 'no broker'}`, EX_USAGE);
  return data;
}

/** Null for what is none, or wrong. */
function observationsIn({ topic, payload }: RawMessage, prefix: string): ObservationsMessage | null {
  const addresses = createAddressPolicy({ allow: [], ownListeners: () => [] });
  try {
    const message = parseMessage({ topic, payload }, { prefix, nodeId: '', addresses });
    return message.kind === 'observations' ? message : null;
  } catch {
    return null;
  }
}

function keep(
  heard: Map<string, Map<string, ObservedNode>>,
  { nodeId, service, summary, roundTrips }: ObservationsMessage,
): void {
  const nodes = heard.get(service) ?? new Map<string, ObservedNode>();
  if (summary === null || (nodes.size >= NODES_MAX && !nodes.has(nodeId))) return;
  const rate = summary.instances.reduce((sum, { perSecond }) => sum + perSecond, 0);
  nodes.set(nodeId, { node: nodeId, rate, rttMs: roundTrips });
  if (heard.size < NODES_MAX) heard.set(service, nodes);
}

function theService(
  heard: ReadonlyMap<string, ReadonlyMap<string, ObservedNode>>,
  asked: string | undefined,
): HeardNodes {
  const services = [...heard.keys()].sort();
  const service = asked ?? (services.length === 1 ? services[0] : undefined);
  const nodes = service === undefined ? undefined : heard.get(service);
  if (service !== undefined && nodes !== undefined) return { service, nodes: [...nodes.values()] };
  if (asked !== undefined || services.length === 0) {
    const what = asked === undefined ? 'any service' : `service "${asked}"`;
    throw new CommandError(
      `no node speaks of ${what} on this broker: [neighbours] mode may be "off", or nothing is sent`,
    );
  }
  throw new CommandError(`nodes speak of ${services.length} services; --service says which: ${services.join(', ')}`);
}
