// `[[service]]` and `[[announce]]`: what is routed and to whom, and what this node offers others.

import * as z from 'zod';
import type {
  AnnounceConfig,
  HealthConfig,
  PolicyConfig,
  RetryConfig,
  ServiceConfig,
  ServiceLimitsConfig,
  StaticInstanceConfig,
} from './config.ts';
import { filePath, type SchemaContext, table } from './schema-context.ts';
import { count, duration, instanceUrl, labels, listenAddress, name, positiveRatio, ratio, size } from './values.ts';

/** Where a service names none. */
const DEFAULT_POLICY = 'qedge';

const qosSchema = table({
  latency: duration(),
  success: positiveRatio.default(0.9),
  window: duration().prefault('10s'),
}).transform(({ latency, success, window }) => ({ latencyMs: latency, successRatio: success, windowMs: window }));

/** `policy = "round-robin"`, or a table of the name and its options; what options there are is the policy's own affair. */
const policySchema: z.ZodType<PolicyConfig> = z.union(
  [
    z.string().transform((name) => ({ name, options: {} })),
    z.looseObject({ name: z.string() }).transform(({ name, ...options }) => ({ name, options })),
  ],
  { error: 'expected the name of a policy, or a table of its name and options' },
);

const retrySchema = table({
  attempts: count(0, 10).default(2),
  body_max: size({ zero: true }).prefault('64KiB'),
  budget_ratio: ratio.default(0.2),
  budget_per_second: z.number().min(0).max(10_000).default(3),
}).transform(
  (retry): RetryConfig => ({
    attempts: retry.attempts,
    bodyBytesMax: retry.body_max,
    budgetRatio: retry.budget_ratio,
    budgetPerSecond: retry.budget_per_second,
  }),
);

const limitsSchema = table({
  in_flight_max: count(1).default(1024),
  instance_connections_max: count(1).default(256),
  instance_in_flight_max: count(1).default(256),
  queue_max: count(0).default(256),
  queue_timeout: duration().prefault('1s'),
}).transform(
  (limits): ServiceLimitsConfig => ({
    inFlightMax: limits.in_flight_max,
    instanceConnectionsMax: limits.instance_connections_max,
    instanceInFlightMax: limits.instance_in_flight_max,
    queueMax: limits.queue_max,
    queueTimeoutMs: limits.queue_timeout,
  }),
);

const healthTimes = {
  interval: duration().prefault('5s'),
  timeout: duration().prefault('1s'),
  failures_max: count(1, 100).default(3),
};

const healthSchema: z.ZodType<HealthConfig> = z
  .discriminatedUnion('kind', [
    table({
      kind: z.literal('http'),
      path: z.string().startsWith('/', 'expected a path such as "/healthz"'),
      ...healthTimes,
    }),
    table({ kind: z.literal('tcp'), ...healthTimes }),
    table({ kind: z.literal('grpc'), service: z.string().max(256).default(''), ...healthTimes }),
    table({ kind: z.literal('kserve'), model: z.string().max(256).default(''), ...healthTimes }),
  ])
  .transform(({ interval, timeout, failures_max, ...kind }) => ({
    ...kind,
    intervalMs: interval,
    timeoutMs: timeout,
    failuresMax: failures_max,
  }));

const healthOrNone = z.union([z.literal(false), healthSchema], {
  error: 'expected false or a table such as { kind = "http", path = "/healthz" }',
});

const instanceTable = table({
  url: instanceUrl,
  node: name.optional(),
  id: name.optional(),
  labels: labels.optional(),
  rtt: duration({ zero: true }).optional(),
});

/** An instance that names no node counts as a node of its own, called after its host; one without an id is called after its port. */
function staticInstance({ url, node, id, labels, rtt }: z.output<typeof instanceTable>): StaticInstanceConfig {
  return { ...url, nodeId: node ?? url.host, id: id ?? String(url.port), labels: labels ?? {}, rttMs: rtt ?? null };
}

/** `"http://10.0.0.7:9000"` is short for `{ url = "http://10.0.0.7:9000" }`. */
const instanceSchema: z.ZodType<StaticInstanceConfig> = z.union(
  [instanceUrl.transform((url) => staticInstance({ url })), instanceTable.transform(staticInstance)],
  { error: 'expected an address such as "http://10.0.0.7:9000"' },
);

export function serviceSchema(context: SchemaContext): z.ZodType<ServiceConfig> {
  return table({
    name,
    listen: listenAddress.optional(),
    qos: qosSchema,
    admission: z.enum(['try', 'refuse']).default('try'),
    policy: policySchema.prefault(DEFAULT_POLICY),
    timeout: duration().prefault('10s'),
    connect_timeout: duration().prefault('1s'),
    retry: retrySchema.prefault({}),
    limits: limitsSchema.prefault({}),
    health: healthOrNone.default(false),
    constraints: labels.default({}),
    ca: filePath(context).optional(),
    failure_status_min: count(400, 600).default(500),
    instances: z.array(instanceSchema).max(65_536).default([]),
  }).transform(
    (service): ServiceConfig => ({
      name: service.name,
      listen: service.listen ?? null,
      qos: service.qos,
      admission: service.admission,
      policy: service.policy,
      timeoutMs: service.timeout,
      connectTimeoutMs: service.connect_timeout,
      retry: service.retry,
      limits: service.limits,
      health: service.health === false ? null : service.health,
      constraints: service.constraints,
      caFile: service.ca ?? null,
      failureStatusMin: service.failure_status_min,
      instances: service.instances,
    }),
  );
}

export const announceSchema = (context: SchemaContext): z.ZodType<AnnounceConfig> =>
  table({
    service: name,
    id: name.optional(),
    url: instanceUrl,
    labels: labels.default({}),
    profile: z.record(z.string(), z.unknown()).optional(),
    health: healthOrNone.prefault({ kind: 'tcp' }),
    ca: filePath(context).optional(),
  }).transform(
    ({ service, id, url, labels, profile, health, ca }): AnnounceConfig => ({
      service,
      id: id ?? String(url.port),
      ...url,
      labels,
      profile: profile ?? null,
      health: health === false ? null : health,
      caFile: ca ?? null,
    }),
  );
