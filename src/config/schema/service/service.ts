// `[[service]]`: what is routed, how well, and to which instances.

import * as z from 'zod';
import { RETRY_STATUSES_DEFAULT } from '../../../core/verdict/rules.ts';
import { key, optional, required, subtable } from '../../key.ts';
import { count, duration, labels, listenAddress, name, ratio, size } from '../../values.ts';
import { filePath, type SchemaContext } from '../context.ts';
import { healthCheck } from '../health.ts';
import { staticInstance } from '../instance.ts';
import { affinity } from './affinity.ts';
import { failureKeys, statuses } from './failure.ts';
import { groupOfAnswer } from './group.ts';
import { preferences } from './prefer.ts';
import { objectiveKeys, qosKeys } from './qos.ts';

/** Keys of `[service.retry]`. */
export const retryKeys = {
  attempts: key('attempts', count(0, 10), {
    doc: 'Attempts beyond the first, only where a repeat does no harm.',
    default: 2,
  }),
  statuses: key('statuses', statuses, {
    doc: 'An answer of these statuses is set aside and another instance asked, where a repeat does no harm: numbers and classes. gRPC UNAVAILABLE goes with 503, RESOURCE_EXHAUSTED with 429.',
    default: [...RETRY_STATUSES_DEFAULT],
  }),
  idempotent: key('idempotent', z.boolean(), {
    doc: 'A repeat does no harm with any method: so it is with most inference. A single request says so with Idempotency-Key.',
    default: false,
  }),
  body_max: key('bodyBytesMax', size({ zero: true }), {
    doc: 'Bodies up to this size are kept for a repeat.',
    default: '64KiB',
  }),
  budget_ratio: key('budgetRatio', ratio, { doc: 'Retries may be this share of the requests,', default: 0.2 }),
  budget_per_second: key('budgetPerSecond', z.number().min(0).max(10_000), {
    doc: 'and so many a second besides.',
    default: 3,
  }),
};

/** Keys of `[service.limits]`. */
export const limitsKeys = {
  in_flight_max: key('inFlightMax', count(1), {
    doc: 'Requests of the service at a time, for each of proxy.workers; beyond it the answer is 503. A body counts once it is sent on.',
    default: 1024,
  }),
  instance_connections_max: key('instanceConnectionsMax', count(1), {
    doc: 'Connections to one instance, for each of proxy.workers.',
    default: 256,
  }),
  instance_in_flight_max: key('instanceInFlightMax', count(1), {
    doc: 'Requests at one instance, for each of proxy.workers.',
    default: 256,
  }),
  queue_max: key('queueMax', count(0), {
    doc: 'Requests that wait for room at an instance; beyond it the answer is 503.',
    default: 256,
  }),
  queue_timeout: key('queueTimeoutMs', duration(), { doc: 'They wait for this long at most.', default: '1s' }),
};

/** Name and options of a routing policy; which options there are is the policy's own affair (`core/policies/registry.ts`). */
export interface PolicyChoice {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** `policy = "round-robin"`, or a table of the name and its options. */
const policy: z.ZodType<PolicyChoice> = z.union(
  [
    z.string().transform((name) => ({ name, options: {} })),
    z.looseObject({ name: z.string() }).transform(({ name, ...options }) => ({ name, options })),
  ],
  { error: 'expected the name of a policy, or a table of its name and options' },
);

/** Keys of a `[[service]]`. */
export const serviceKeys = (context: SchemaContext) => ({
  name: required('name', name, { doc: 'What clients ask for.', example: 'pilotnet' }),
  listen: optional('listen', listenAddress, {
    doc: 'A port of its own, besides the shared one; for clients that can set no header.',
    example: '127.0.0.1:8081',
  }),
  infeasible: key('infeasible', z.enum(['send', 'refuse']), {
    doc: '"refuse": a request whose deadline no instance can meet is answered 503 at once.',
    default: 'send',
  }),
  admission: optional('admission', z.enum(['try', 'refuse']), {
    doc: 'Earlier form of `infeasible`: "try" means "send".',
    example: 'refuse',
  }),
  overload: key('overload', z.enum(['send', 'shed']), {
    doc: 'For the policy qedge, where nearly all answers are late. "shed": what no instance has room for is answered 503 with Retry-After at once, so that the rest is answered in time; where that gains nothing, it is given up. "send": all is sent, however late.',
    default: 'shed',
  }),
  policy: key('policy', policy, {
    doc: 'A name, or a table such as { name = "qedge", step = "1s" }; `qedge policies` lists them and their options.',
    default: 'qedge',
  }),
  timeout: key('timeoutMs', duration(), {
    doc: 'How long one attempt may be without its answer, or without the next piece of it once that has begun.',
    default: '10s',
  }),
  connect_timeout: key('connectTimeoutMs', duration(), { doc: 'How long its connection may take.', default: '1s' }),
  failure_status_min: optional('failureStatusMin', count(400, 600), {
    doc: 'Earlier form of `failure.statuses`: statuses from here on are failures, those below it as listed there.',
    example: 500,
  }),
  constraints: key('constraints', labels, {
    doc: 'Only instances that carry all of these labels, such as { accelerator = "hailo-8" }.',
    default: {},
  }),
  group: key('group', groupOfAnswer, {
    doc: 'Where an answer says which group its request belonged to, such as { header = "X-Object-Count" } or { json = "/detections/length" }: the number of objects in a frame, say. The next request of the same client is taken for one of the same group; policies that go by profiles use it. false: all requests are alike.',
    default: false,
  }),
  affinity: key('affinity', affinity, {
    doc: 'Requests of a session stay at the instance that had the last one, while it is in the exploitation pool and not late: { header = "X-Session-Id" }, { cookie = "session" } or { client = true }, each with idle = "10m". false: requests are not tied together.',
    default: false,
  }),
  prefer: key('prefer', preferences, {
    doc: 'Groups of instances, the most preferred first: "local" (this node), a tier ("far-edge", "near-edge", "cloud") or labels such as { site = "hall-3" }. A group keeps the requests as long as the goal is met; what it cannot carry goes to the next.',
    default: [],
  }),
  ca: optional('caFile', filePath(context), {
    doc: "CA of https instances; the system's when absent.",
    example: 'instances-ca.crt',
  }),
  health: key('health', healthCheck, {
    doc: 'Active checks of the instances; the traffic itself says enough, so false: none. { kind = "http", path = "/healthz" }: a GET that is answered 2xx or 3xx, over HTTP/1.1 or HTTP/2. { kind = "grpc", service = "" }: grpc.health.v1.Health/Check. { kind = "kserve", model = "" }: /v2/health/ready of the Open Inference Protocol. { kind = "tcp" }: a connection. Each with interval = "5s", timeout = "1s" and failures_max = 3.',
    default: false,
  }),
  instances: key('instances', z.array(staticInstance).max(65_536), {
    doc: 'Instances known beforehand: "http://host:port", or a table { url = "http://10.0.0.7:9000", node = "pi-7", id = "a", rtt = "2ms", labels = { accelerator = "hailo-8" } }. Schemes: http, https, h2c. Without a node an instance counts as one of its own, named after its host.',
    default: [],
  }),
  qos: subtable('qos', qosKeys, { doc: 'The goal, for each client, and what else it is to get.' }),
  objective: subtable('objective', objectiveKeys, { doc: 'What to spend least of, once the goal holds.' }),
  failure: subtable('failure', failureKeys, { doc: 'Which answers are failures.' }),
  retry: subtable('retry', retryKeys, { doc: 'Repeats at another instance.' }),
  limits: subtable('limits', limitsKeys, { doc: 'What the service may hold at a time.' }),
});
