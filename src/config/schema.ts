// What a person writes in qedge.toml, section by section: snake_case keys, durations and sizes in words, every default.
// Each schema yields the part of `Config` that the program sees. Services are in schema-service.ts.

import { join } from 'node:path';
import * as z from 'zod';
import type {
  AdminConfig,
  LogConfig,
  MqttConfig,
  NodeConfig,
  PlacementConfig,
  ProbeConfig,
  ProxyConfig,
  StoreConfig,
  TracesConfig,
  UpdateConfig,
} from './config.ts';
import type { SchemaContext } from './schema-context.ts';
import { filePath, table } from './schema-context.ts';
import {
  cidr,
  count,
  duration,
  fieldName,
  host,
  labels,
  listenAddress,
  name,
  parsed,
  ratio,
  secret,
  size,
} from './values.ts';

/** Sections that a file may leave out as a whole, all with defaults. */
export interface SectionSchemas {
  readonly node: z.ZodType<NodeConfig>;
  readonly proxy: z.ZodType<ProxyConfig>;
  readonly admin: z.ZodType<AdminConfig>;
  readonly placement: z.ZodType<PlacementConfig>;
  readonly probe: z.ZodType<ProbeConfig>;
  readonly store: z.ZodType<StoreConfig>;
  readonly log: z.ZodType<LogConfig>;
  readonly update: z.ZodType<UpdateConfig>;
}

export function sectionSchemas(context: SchemaContext): SectionSchemas {
  return {
    node: nodeSchema(context).prefault({}),
    proxy: proxySchema(context).prefault({}),
    admin: adminSchema.prefault({}),
    placement: placementSchema.prefault({}),
    probe: probeSchema.prefault({}),
    store: storeSchema(context).prefault({}),
    log: logSchema.prefault({}),
    update: updateSchema.prefault({}),
  };
}

const nodeSchema = (context: SchemaContext) =>
  table({
    id: name.prefault(context.hostname),
    tier: z.enum(['far-edge', 'near-edge', 'cloud']).optional(),
    address: host.optional(),
    labels: labels.default({}),
  }).transform(({ id, tier, address, labels }): NodeConfig => {
    return { id, tier: tier ?? null, address: address ?? null, labels };
  });

const downstreamTlsSchema = (context: SchemaContext) =>
  table({
    cert: filePath(context),
    key: filePath(context),
    client_ca: filePath(context).optional(),
  }).transform(({ cert, key, client_ca }) => ({ certFile: cert, keyFile: key, clientCaFile: client_ca ?? null }));

const proxySchema = (context: SchemaContext) =>
  table({
    listen: listenAddress.prefault('127.0.0.1:8080'),
    workers: count(1, 64).default(1),
    service_header: fieldName.prefault('X-QEdge-Service'),
    client_header: z
      .union([z.literal(false), fieldName], { error: 'expected a header name or false' })
      .prefault('X-Client-Id'),
    trusted_peers: z.array(cidr).default([]),
    response_headers: z.boolean().default(true),
    headers_max: size().prefault('16KiB'),
    url_max: size().prefault('8KiB'),
    body_max: size({ zero: true }).prefault('0B'),
    connections_max: count(1).default(4096),
    headers_timeout: duration().prefault('10s'),
    body_idle_timeout: duration().prefault('30s'),
    keep_alive_timeout: duration().prefault('65s'),
    drain: duration({ zero: true }).prefault('10s'),
    tls: downstreamTlsSchema(context).optional(),
  }).transform(
    (proxy): ProxyConfig => ({
      listen: proxy.listen,
      workers: proxy.workers,
      serviceHeader: proxy.service_header,
      clientHeader: proxy.client_header === false ? null : proxy.client_header,
      trustedPeers: proxy.trusted_peers,
      responseHeaders: proxy.response_headers,
      headerBytesMax: proxy.headers_max,
      urlBytesMax: proxy.url_max,
      bodyBytesMax: proxy.body_max,
      connectionsMax: proxy.connections_max,
      headersTimeoutMs: proxy.headers_timeout,
      bodyIdleTimeoutMs: proxy.body_idle_timeout,
      keepAliveTimeoutMs: proxy.keep_alive_timeout,
      drainMs: proxy.drain,
      tls: proxy.tls ?? null,
    }),
  );

const adminSchema = table({
  listen: listenAddress.prefault('127.0.0.1:9901'),
  token: secret.optional(),
}).transform(({ listen, token }): AdminConfig => ({ listen, token: token ?? null }));

const brokerUrl = parsed('expected a broker such as "mqtt://broker.local:1883", without user and password', (text) => {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, username, password } = new URL(text);
  const known = ['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(protocol);
  return known && hostname !== '' && username === '' && password === '' ? text : null;
});

const brokerUrls = z.union([brokerUrl.transform((url) => [url]), z.array(brokerUrl).min(1)], {
  error: 'expected a broker such as "mqtt://broker.local:1883", or a list of them',
});

const topicPrefix = parsed('expected topic levels such as "qedge/v1"', (text) =>
  /^[^/+#\s$][^+#\s]*[^/+#\s]$|^[^/+#\s$]$/.test(text) ? text : null,
);

/** `nodeId` makes the default client id: two sessions of one id would push each other off the broker. */
export const mqttSchema = (context: SchemaContext, nodeId: string): z.ZodType<MqttConfig> =>
  table({
    url: brokerUrls,
    client_id: z.string().min(1).max(128).default(`qedge-${nodeId}`),
    username: z.string().optional(),
    password: secret.optional(),
    ca: filePath(context).optional(),
    cert: filePath(context).optional(),
    key: filePath(context).optional(),
    keep_alive: duration().prefault('15s'),
    topic_prefix: topicPrefix.prefault('qedge/v1'),
    native: z.boolean().default(true),
    informer: z.boolean().default(false),
  }).transform(
    (mqtt): MqttConfig => ({
      urls: mqtt.url,
      clientId: mqtt.client_id,
      username: mqtt.username ?? null,
      password: mqtt.password ?? null,
      caFile: mqtt.ca ?? null,
      certFile: mqtt.cert ?? null,
      keyFile: mqtt.key ?? null,
      keepAliveMs: mqtt.keep_alive,
      topicPrefix: mqtt.topic_prefix,
      native: mqtt.native,
      informer: mqtt.informer,
    }),
  );

/**
 * Private, carrier-grade NAT, unique local and loopback networks. Left out on purpose: link-local (169.254.0.0/16 holds the
 * metadata services of clouds) and everything public.
 */
const PRIVATE_NETWORKS = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '::1/128',
  'fc00::/7',
];

const placementSchema = table({
  allow: z.array(cidr).prefault(PRIVATE_NETWORKS),
  node_grace: duration({ zero: true }).prefault('30s'),
  reach: z.boolean().default(true),
  instances_max: count(1, 65_536).default(4096),
}).transform(
  (placement): PlacementConfig => ({
    allow: placement.allow,
    nodeGraceMs: placement.node_grace,
    reach: placement.reach,
    instancesMax: placement.instances_max,
  }),
);

const probeSchema = table({
  interval: duration().prefault('5s'),
  rate_max: z.number().gt(0).max(10_000).default(50),
  timeout: duration().prefault('1s'),
  change_ratio: z.number().gt(0).max(10).default(0.3),
}).transform(
  (probe): ProbeConfig => ({
    intervalMs: probe.interval,
    ratePerSecondMax: probe.rate_max,
    timeoutMs: probe.timeout,
    changeRatio: probe.change_ratio,
  }),
);

const storeSchema = (context: SchemaContext) => {
  const path = z.union([z.literal(false), filePath(context)], { error: 'expected a file or false' });
  const ownPlace = context.stateDirectory === null ? false : join(context.stateDirectory, 'qedge.db');
  return table({
    path: path.prefault(ownPlace),
    flush: duration().prefault('5s'),
  }).transform((store): StoreConfig => ({ path: store.path === false ? null : store.path, flushMs: store.flush }));
};

const logSchema = table({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  format: z.enum(['auto', 'json', 'text']).default('auto'),
  access: z.boolean().default(false),
});

const collectorUrl = parsed(
  'expected a URL such as "http://collector:4318/v1/traces", without user and password',
  (text) => {
    if (!URL.canParse(text)) return null;
    const { protocol, username, password } = new URL(text);
    return /^https?:$/.test(protocol) && username === '' && password === '' ? text : null;
  },
);

/** Header values may be secrets; they are checked for what cannot be sent. */
const headerValue = parsed('expected a header value without line breaks', (text) =>
  /^[\x20-\x7e\t]+$/.test(text) ? text : null,
);

export const tracesSchema = (context: SchemaContext): z.ZodType<TracesConfig> =>
  table({
    endpoint: collectorUrl,
    headers: z.record(fieldName, headerValue).default({}),
    service_name: z.string().min(1).default('qedge'),
    sample_ratio: ratio.default(1),
    timeout: duration().prefault('10s'),
    queue_max: count(1).default(2048),
    compression: z.enum(['none', 'gzip']).default('none'),
    ca: filePath(context).optional(),
    client_id: z.boolean().default(false),
  }).transform(
    (traces): TracesConfig => ({
      endpoint: traces.endpoint,
      headers: traces.headers,
      serviceName: traces.service_name,
      sampleRatio: traces.sample_ratio,
      timeoutMs: traces.timeout,
      queueMax: traces.queue_max,
      compression: traces.compression,
      caFile: traces.ca ?? null,
      clientId: traces.client_id,
    }),
  );

const publicKey = parsed('expected an Ed25519 public key: 32 bytes in base64', (text) =>
  /^[A-Za-z0-9+/]{43}=$/.test(text) ? text : null,
);

const updateSchema = table({
  public_key: publicKey.optional(),
  probation: duration({ zero: true }).prefault('60s'),
  qos_drop_max: ratio.default(0.05),
}).transform(
  (update): UpdateConfig => ({
    publicKey: update.public_key ?? null,
    probationMs: update.probation,
    qosDropMax: update.qos_drop_max,
  }),
);
