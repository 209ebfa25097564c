// A command overhears a broker for a moment, beside the node that runs: a session of its own, which says nothing and logs nothing.

import { setTimeout as delay } from 'node:timers/promises';
import type { MqttConfig } from '../../config/config.ts';
import { createRng } from '../../core/rng.ts';
import { CommandError } from '../../errors.ts';
import { createLogger } from '../../telemetry/log.ts';
import { BrokerConnection } from './connection.ts';
import type { InboxMessage } from './inbox.ts';

const CONNECT_MS_MAX = 5_000;
/** A broker that says nothing to a subscription for so long does not serve it. */
const ANSWER_MS_MAX = 5_000;

/** A connection that only listens. `config`: with a client id that no other session has. */
export function silentConnection(config: MqttConfig, onMessage: (message: InboxMessage) => void): BrokerConnection {
  return new BrokerConnection({
    config,
    willTopic: null,
    clock: { nowMs: () => performance.now() },
    rng: createRng(process.pid),
    log: createLogger({ level: 'silent', nodeId: '', destination: { write() {} } }),
    onConnect: () => {},
    onDisconnect: () => {},
    onMessage,
  });
}

/** What is listened for, and for how long. */
export interface OverhearOptions {
  readonly topics: readonly string[];
  /** What is read, in words, for the warning about a broker that does not let it be read. */
  readonly what: string;
  readonly listenMs: number;
  /** The same on a broker without MQTT 5; by default no longer. */
  readonly unretainedMs?: number;
  readonly onMessage: (message: InboxMessage) => void;
}

/** @throws CommandError where the broker is not reached within 5 s, or lets nothing be read */
export async function overhear(
  config: MqttConfig,
  { topics, what, listenMs, unretainedMs = listenMs, onMessage }: OverhearOptions,
): Promise<void> {
  const connection = silentConnection(config, onMessage);
  connection.start();
  try {
    await connection.firstConnected(CONNECT_MS_MAX);
    const unanswered = delay(ANSWER_MS_MAX, false, { ref: false });
    if (!(await Promise.race([connection.subscribe(topics, 0), unanswered]))) {
      const { url, lastError } = connection.state();
      throw new CommandError(`broker ${url}: ${lastError ?? `does not let ${what} be read`}`);
    }
    await delay(connection.state().protocol === '5' ? listenMs : unretainedMs);
  } finally {
    await connection.stop();
  }
}
