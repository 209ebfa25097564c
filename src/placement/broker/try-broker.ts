// A trial of one broker, as `qedge check --online` makes it: does it let this node in and read, and is a node of that name
// announced already? Under a client id of its own, so that a session that there is goes on undisturbed.

import { setTimeout as delay } from 'node:timers/promises';
import type { MqttConfig } from '../../config/config.ts';
import { nodesFilter, nodeTopic } from '../messages/topics.ts';
import type { BrokerConnection } from './connection.ts';
import { silentConnection } from './overhear.ts';

export interface BrokerTrial {
  /** Why there is no connection; null where there is one. */
  readonly error: string | null;
  readonly protocol: '5' | '3.1.1';
  /** What it does not let this node read; null where it refused nothing. */
  readonly refused: string | null;
  /** What is retained for this node, as it came; null where nothing is. */
  readonly announced: string | null;
  /** Announced nodes. */
  readonly nodes: number;
}

const CONNECT_MS_MAX = 5_000;
/** A broker that hangs up at the first is asked again with the older protocol. */
const SECOND_ATTEMPT_MS = 500;
/** What is retained comes within this time, ms. */
const RETAINED_MS = 500;
const POLL_MS = 10;

/** Connects, subscribes and reads, within a few seconds. What failed is in the answer. */
export async function tryBroker(config: MqttConfig, url: string, nodeId: string): Promise<BrokerTrial> {
  const nodes = new Map<string, string>();
  const own = { ...config, urls: [url], clientId: `${config.clientId}-check-${process.pid}` };
  const connection = silentConnection(own, ({ topic, payload, retained }) => {
    if (retained) nodes.set(topic, Buffer.from(payload).toString('utf8'));
  });
  connection.start();
  try {
    await connected(connection);
    if (connection.connected && (await connection.subscribe([nodesFilter(config.topicPrefix)], 0))) {
      await delay(RETAINED_MS);
    }
    const { lastError, protocol, refused } = connection.state();
    return {
      error: connection.connected ? null : (lastError ?? 'no answer in time'),
      protocol,
      refused: refused.subscribe,
      announced: nodes.get(nodeTopic(config.topicPrefix, nodeId)) ?? null,
      nodes: nodes.size,
    };
  } finally {
    await connection.stop();
  }
}

async function connected(connection: BrokerConnection): Promise<void> {
  let failedMs = 0;
  for (let waitedMs = 0; !connection.connected && waitedMs < CONNECT_MS_MAX; waitedMs += POLL_MS) {
    if (connection.state().lastError !== null) failedMs += POLL_MS;
    if (failedMs > SECOND_ATTEMPT_MS) return;
    await delay(POLL_MS);
  }
}
