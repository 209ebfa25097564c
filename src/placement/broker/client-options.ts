// How a connection to a broker is asked for: session, last will, certificates, and what of mqtt.js is switched off.

import type { IClientOptions } from 'mqtt';
import type { MqttConfig } from '../../config/config.ts';
import { readNamedFile } from '../../readable-file.ts';
import { PACKET_BYTES_MAX } from './bounds.ts';

/** MQTT 3.1.1 is version 4 on the wire. */
export type ProtocolVersion = 4 | 5;

/** How long a broker keeps our session while we are away (MQTT 5, 3.1.2.11.2). */
const SESSION_EXPIRY_SECONDS = 300;
const SESSION = { sessionExpiryInterval: SESSION_EXPIRY_SECONDS, maximumPacketSize: PACKET_BYTES_MAX } as const;
const CONNECT_TIMEOUT_MS = 10_000;
/**
 * How long a broker waits for us to come back before it says that we left, where it speaks MQTT 5 (3.1.3.2.2): a restart, or
 * a connection that broke, is over by then.
 */
const WILL_DELAY_SECONDS = 5;

interface SessionRequest {
  readonly version: ProtocolVersion;
  /** Topic that the broker clears when we vanish; null: no last will. */
  readonly willTopic: string | null;
  /** An earlier session is taken up, where the protocol has sessions that expire. */
  readonly resume: boolean;
}

/** Throws where a certificate file cannot be read. */
export function clientOptions(config: MqttConfig, { version, willTopic, resume }: SessionRequest): IClientOptions {
  const read = (file: string | null): Buffer | undefined => (file === null ? undefined : readNamedFile(file));
  const [ca, cert, key] = [read(config.caFile), read(config.certFile), read(config.keyFile)];
  return {
    protocolVersion: version,
    clientId: config.clientId,
    clean: version === 4 || !resume,
    ...(version === 5 ? { properties: SESSION } : {}),
    keepalive: Math.max(1, Math.round(config.keepAliveMs / 1000)),
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    manualConnect: true,
    // A buffer for each of the 65,536 packet ids, made in advance: 10 MB that a few packets a minute never earn back.
    writeCache: false,
    ...(config.username === null ? {} : { username: config.username }),
    ...(config.password === null ? {} : { password: config.password }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...lastWill(version, willTopic),
  };
}

function lastWill(version: ProtocolVersion, topic: string | null): Pick<IClientOptions, 'will'> {
  if (topic === null) return {};
  const will = { topic, payload: Buffer.alloc(0), qos: 1, retain: true } as const;
  return { will: version === 5 ? { ...will, properties: { willDelayInterval: WILL_DELAY_SECONDS } } : will };
}
