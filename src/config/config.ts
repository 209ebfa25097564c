// The configuration as the program sees it: validated, every default filled in, units in the names.
// What a person writes is in schema.ts; `config/qedge.toml` documents each key.

import type { Labels, QosTarget, Scheme, Tier } from '../core/domain.ts';
import type { HealthCheck } from '../net/health-check.ts';

export interface Config {
  readonly node: NodeConfig;
  readonly proxy: ProxyConfig;
  readonly admin: AdminConfig;
  /** Null: no broker, static instances only. */
  readonly mqtt: MqttConfig | null;
  readonly placement: PlacementConfig;
  readonly probe: ProbeConfig;
  readonly store: StoreConfig;
  readonly log: LogConfig;
  /** Null: no request is traced. */
  readonly traces: TracesConfig | null;
  readonly update: UpdateConfig;
  readonly services: readonly ServiceConfig[];
  readonly announce: readonly AnnounceConfig[];
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface NodeConfig {
  readonly id: string;
  readonly tier: Tier | null;
  /** Where other nodes reach this one's proxy port for probes; null when it does not announce itself. */
  readonly address: string | null;
  readonly labels: Labels;
}

export interface ProxyConfig {
  readonly listen: ListenAddress;
  /** Event loops that share the port. */
  readonly workers: number;
  readonly serviceHeader: string;
  /** Header that tells clients apart; null: the remote address does. */
  readonly clientHeader: string | null;
  /** CIDRs whose X-Forwarded-* and Forwarded fields are kept. */
  readonly trustedPeers: readonly string[];
  /** X-QEdge-Instance and Server-Timing on answers. */
  readonly responseHeaders: boolean;
  readonly headerBytesMax: number;
  readonly urlBytesMax: number;
  /** 0: unlimited (bodies are streamed). */
  readonly bodyBytesMax: number;
  readonly connectionsMax: number;
  /** Slow headers are cut off after this. */
  readonly headersTimeoutMs: number;
  /** A client that sends no body byte for this long is cut off. */
  readonly bodyIdleTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly drainMs: number;
  readonly tls: DownstreamTlsConfig | null;
}

export interface DownstreamTlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  /** Set: clients must present a certificate that this CA signed (mTLS). */
  readonly clientCaFile: string | null;
}

export interface AdminConfig {
  readonly listen: ListenAddress;
  /** Null: none needed (loopback only). */
  readonly token: string | null;
}

export interface MqttConfig {
  /** Tried in turn. */
  readonly urls: readonly string[];
  readonly clientId: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly keepAliveMs: number;
  readonly topicPrefix: string;
  /** Native topics are read and written. */
  readonly native: boolean;
  /** The Kubernetes informer's topics are read as well. */
  readonly informer: boolean;
}

export interface PlacementConfig {
  /** CIDRs that announced addresses must be in. */
  readonly allow: readonly string[];
  readonly nodeGraceMs: number;
  /** Subscribe only to nodes whose RTT could meet some service's limit. */
  readonly reach: boolean;
  readonly instancesMax: number;
}

export interface ProbeConfig {
  readonly intervalMs: number;
  /** Probes per second in all; the interval stretches to keep it. */
  readonly ratePerSecondMax: number;
  readonly timeoutMs: number;
  readonly changeRatio: number;
}

export interface StoreConfig {
  /** SQLite file; null: nothing is kept. */
  readonly path: string | null;
  readonly flushMs: number;
}

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `auto`: text on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'text';
  readonly access: boolean;
}

/** Spans of requests, sent to a collector by OTLP/HTTP. */
export interface TracesConfig {
  /** URL that batches are posted to. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Share of requests that begin a trace; those that come with one are recorded as it says. */
  readonly sampleRatio: number;
  /** Of one post. */
  readonly timeoutMs: number;
  /** Spans that wait for the collector at most. */
  readonly queueMax: number;
  readonly compression: 'none' | 'gzip';
  /** CA of an https collector; null: the system's. */
  readonly caFile: string | null;
  /** Spans name the client. */
  readonly clientId: boolean;
}

export interface UpdateConfig {
  /** Ed25519 public key, base64 of the 32 raw bytes; null: `qedge update` refuses unsigned files all the same. */
  readonly publicKey: string | null;
  readonly probationMs: number;
  /** Points of satisfied-client share that the new binary may lose in its probation before it is sent home. */
  readonly qosDropMax: number;
}

export interface ServiceConfig {
  readonly name: string;
  /** A port of its own, besides the shared one. */
  readonly listen: ListenAddress | null;
  readonly qos: QosTarget;
  /** `refuse`: a request whose budget no instance can meet gets 503 `deadline-unreachable` at once. */
  readonly admission: 'try' | 'refuse';
  readonly policy: PolicyConfig;
  /** How long one try may be without its answer, or without the next piece of it once that has begun, ms. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retry: RetryConfig;
  readonly limits: ServiceLimitsConfig;
  readonly health: HealthConfig | null;
  /** Instances must carry all of these labels with these values. */
  readonly constraints: Labels;
  /** Upstream https: CA of one's own, null: the system's. */
  readonly caFile: string | null;
  /** Statuses that count as failures: 5xx by default. */
  readonly failureStatusMin: number;
  readonly instances: readonly StaticInstanceConfig[];
}

/** Name and options of a routing policy; `core/policies/registry.ts` knows which options each takes. */
export interface PolicyConfig {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface RetryConfig {
  /** Tries beyond the first. */
  readonly attempts: number;
  readonly bodyBytesMax: number;
  /** Retries allowed as a share of requests… */
  readonly budgetRatio: number;
  /** …plus this many a second. */
  readonly budgetPerSecond: number;
}

export interface ServiceLimitsConfig {
  readonly inFlightMax: number;
  readonly instanceConnectionsMax: number;
  readonly instanceInFlightMax: number;
  readonly queueMax: number;
  readonly queueTimeoutMs: number;
}

export type HealthConfig = HealthCheck & {
  readonly intervalMs: number;
  /** So many in a row make an instance suspect. */
  readonly failuresMax: number;
};

export interface StaticInstanceConfig {
  readonly nodeId: string;
  readonly id: string;
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
  readonly labels: Labels;
  /** RTT to assume before the first probe, ms; null when not given. */
  readonly rttMs: number | null;
}

export interface AnnounceConfig {
  readonly service: string;
  readonly id: string;
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
  readonly labels: Labels;
  readonly profile: Readonly<Record<string, unknown>> | null;
  readonly health: HealthConfig | null;
  /** Of https checks: CA of one's own, null: the system's. */
  readonly caFile: string | null;
}
