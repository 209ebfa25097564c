// The configuration as the program sees it: validated, every default filled in, units in the names. All of it follows from
// `schema/`, where each key stands once, with its meaning.

import type { HostPort } from '../core/domain.ts';
import type { SectionOf } from './key.ts';
import type { adminKeys } from './schema/admin.ts';
import type { AnnouncedInstance } from './schema/announce.ts';
import type { chainKeys } from './schema/chain.ts';
import type { flKeys } from './schema/fl.ts';
import type { HealthCheck } from './schema/health.ts';
import type { StaticInstance } from './schema/instance.ts';
import type { logKeys } from './schema/log.ts';
import type { mqttKeys } from './schema/mqtt.ts';
import type { neighboursKeys } from './schema/neighbours.ts';
import type { nodeKeys } from './schema/node.ts';
import type { placementKeys } from './schema/placement/placement.ts';
import type { probeKeys } from './schema/probe.ts';
import type { proxyKeys, tlsKeys } from './schema/proxy.ts';
import type { limitsKeys, PolicyChoice, retryKeys, serviceKeys } from './schema/service/service.ts';
import type { storeKeys } from './schema/store.ts';
import type { tracesKeys } from './schema/traces.ts';
import type { updateKeys } from './schema/update.ts';

/** A whole configuration, checked and with every default: times in ms, sizes in bytes, null for what is off. */
export interface Config {
  readonly node: NodeConfig;
  readonly proxy: ProxyConfig;
  readonly admin: AdminConfig;
  /** Null: no broker, static instances only. */
  readonly mqtt: MqttConfig | null;
  readonly placement: PlacementConfig;
  readonly probe: ProbeConfig;
  readonly neighbours: NeighboursConfig;
  readonly store: StoreConfig;
  readonly log: LogConfig;
  /** Null: no request is traced. */
  readonly traces: TracesConfig | null;
  readonly update: UpdateConfig;
  /** Null: this node takes no part in federated learning. */
  readonly fl: LearningConfig | null;
  readonly services: readonly ServiceConfig[];
  readonly chains: readonly ChainConfig[];
  readonly announce: readonly AnnounceConfig[];
}

/** `[node]`, as schema/node.ts documents it. */
export type NodeConfig = SectionOf<ReturnType<typeof nodeKeys>>;
/** `[proxy]`, as schema/proxy.ts documents it. */
export type ProxyConfig = SectionOf<ReturnType<typeof proxyKeys>>;
/** `[proxy.tls]`, as schema/proxy.ts documents it. */
export type DownstreamTlsConfig = SectionOf<ReturnType<typeof tlsKeys>>;
/** `[admin]`, as schema/admin.ts documents it. */
export type AdminConfig = SectionOf<ReturnType<typeof adminKeys>>;
/** `[mqtt]`, as schema/mqtt.ts documents it. */
export type MqttConfig = SectionOf<ReturnType<typeof mqttKeys>>;
/** `[placement]`, as schema/placement/placement.ts documents it. */
export type PlacementConfig = SectionOf<ReturnType<typeof placementKeys>>;
/** `[probe]`, as schema/probe.ts documents it. */
export type ProbeConfig = SectionOf<ReturnType<typeof probeKeys>>;
/** `[neighbours]`, as schema/neighbours.ts documents it. */
export type NeighboursConfig = SectionOf<ReturnType<typeof neighboursKeys>>;
/** `[store]`, as schema/store.ts documents it. */
export type StoreConfig = SectionOf<ReturnType<typeof storeKeys>>;
/** `[log]`, as schema/log.ts documents it. */
export type LogConfig = SectionOf<ReturnType<typeof logKeys>>;
/** `[traces]`, as schema/traces.ts documents it. */
export type TracesConfig = SectionOf<ReturnType<typeof tracesKeys>>;
/** `[update]`, as schema/update.ts documents it. */
export type UpdateConfig = SectionOf<ReturnType<typeof updateKeys>>;
/** `[fl]`, as schema/fl.ts documents it. */
export type LearningConfig = SectionOf<ReturnType<typeof flKeys>>;
/** A `[[service]]`, as schema/service/service.ts documents it. */
export type ServiceConfig = SectionOf<ReturnType<typeof serviceKeys>>;
/** A `[[chain]]`, as schema/chain.ts documents it. */
export type ChainConfig = SectionOf<ReturnType<typeof chainKeys>>;
/** `[service.retry]`, as schema/service/service.ts documents it. */
export type RetryConfig = SectionOf<typeof retryKeys>;
/** `[service.limits]`, as schema/service/service.ts documents it. */
export type ServiceLimitsConfig = SectionOf<typeof limitsKeys>;
/** The policy of a service with its options. */
export type PolicyConfig = PolicyChoice;
/** The health checks of a service. */
export type HealthConfig = HealthCheck;
/** One of `service.instances`. */
export type StaticInstanceConfig = StaticInstance;
/** An `[[announce]]`. */
export type AnnounceConfig = AnnouncedInstance;
/** Where a port listens; port 0: any that is free. */
export type ListenAddress = HostPort;
