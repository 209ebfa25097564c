// The shapes of /api/v1, once: requests are checked by them, the OpenAPI document is made from them, and the types of
// the code must agree with them or nothing compiles.

import * as z from 'zod';
import { LOG_LEVELS, type LogLevel } from '../../telemetry/log.ts';
import type { ProblemDocument } from '../problem.ts';
import type { ExplainDocument } from '../state/explain.ts';
import type { ServiceHistory } from '../state/history.ts';
import type { DensityDocument, EventDocument, StateDocument } from '../state/state.ts';
import { neighbourhood, neighbours } from './neighbour-schemas.ts';
import { clients, requirementState } from './requirement-schemas.ts';

/** What an action did, for people. */
export interface ActionDocument {
  readonly done: string;
}

const ratio = z.number().min(0).max(1);
const ms = z.number();
const count = z.number().min(0);
const wallMs = z.number().describe('milliseconds since the epoch');
const tier = z.enum(['far-edge', 'near-edge', 'cloud']).nullable();
const labels = z.record(z.string(), z.string());

const source = z.enum(['config', 'announce', 'file', 'docker', 'mqtt', 'informer', 'dns', 'mdns']);

const instance = z.strictObject({
  service: z.string(),
  nodeId: z.string(),
  id: z.string(),
  scheme: z.enum(['http', 'https', 'h2c']),
  host: z.string(),
  port: z.number(),
  labels,
  tier: tier.optional().describe('of its node; absent when that is not known'),
  profile: z.record(z.string(), z.unknown()).nullable(),
  source: source.optional().describe('where it is known from'),
});

const instanceState = z.strictObject({
  key: z.string().describe('<node>/<instance>'),
  instance,
  local: z.boolean().describe('on the node of this load balancer'),
  availability: z.enum(['up', 'suspect', 'draining']),
  rttMs: ms.describe('network round trip'),
  rttKnown: z.boolean().describe('measured; else assumed'),
  inFlight: count,
  requestsPerSecond: count,
  requests: count.describe('attempts of this load balancer, all time'),
  failures: count,
  answeredAgeMs: ms.nullable().describe('since an attempt was last answered; null before the first'),
  failing: z.boolean().describe('more of its attempts ended badly lately than those of a healthy instance do'),
  reasons: z
    .array(z.strictObject({ reason: z.string(), share: ratio }))
    .describe('what was held against it in its last attempts, the most frequent first'),
  results: z.record(z.string(), count).describe('attempts by verdict, all time'),
  serves: z
    .record(z.string(), z.boolean().nullable())
    .describe(
      'which requirements it serves, null where too little is known; empty where the latency goal is the only one',
    ),
  lacks: z.array(z.string()).describe('of what qos.security demands; with anything it gets no request'),
  pool: z.enum(['exploitation', 'exploration', 'out']),
  weight: z.number().min(0).describe('share of requests it is meant to get; all together 1'),
  successProbability: ratio.nullable().describe('probability of an answer within the limit'),
  processingMs: ms.nullable().describe('mean processing latency, queueing included'),
  samples: count,
  cooldownMs: count.describe('until its cooldown ends; 0 when in none'),
  note: z.string(),
  extra: z.record(z.string(), z.number()).describe('further numbers of the policy'),
});

const goal = z.strictObject({
  latencyMs: ms.describe('τ, the latency limit'),
  successRatio: ratio.describe('ρ, the share of requests that must meet it'),
  windowMs: ms.describe('W, the window over which it is counted'),
});

const routerState = z.strictObject({
  service: z.string(),
  policy: z.string(),
  qos: goal,
  successRatio: ratio.nullable().describe('over W; null before the first request'),
  requestsPerSecond: count,
  inFlight: count,
  clientsSatisfiedRatio: ratio.nullable().describe('share of clients for which every requirement holds'),
  summary: z.strictObject({ explorationShare: z.number().nullable(), panic: z.boolean() }),
  affinity: z
    .strictObject({ sessions: count, kept: count, moved: count })
    .nullable()
    .describe('requests of known sessions, all time; null where requests are not tied together'),
  neighbours,
  groups: z
    .array(z.strictObject({ name: z.string(), instances: count, share: ratio, successRatio: ratio.nullable() }))
    .describe('of instances, the most preferred first; empty where none is preferred'),
  instances: z.array(instanceState),
  requirements: z
    .array(requirementState)
    .describe('in the order of precedence; empty where the latency goal is the only one'),
  clients,
});

const chainState = z.strictObject({
  chain: z.string(),
  qos: goal,
  successRatio: ratio.nullable().describe('of the runs that ended within W; null before the first'),
  clientsSatisfiedRatio: ratio.nullable().describe('share of clients whose own runs succeed as often as asked for'),
  runs: count.describe('under way'),
  results: z
    .strictObject({ success: count, late: count, failed: count, abandoned: count })
    .describe('runs that ended, all time'),
  stages: z.array(
    z.strictObject({
      service: z.string(),
      shareMs: ms.describe('its part of the limit'),
      reserveMs: ms.describe('what it needs, as learned'),
      samples: count.describe('answers that this was learned from'),
    }),
  ),
  clients,
});

const processFacts = z.strictObject({
  pid: z.number(),
  startedMs: wallMs,
  uptimeMs: ms,
  residentBytes: count,
  heapUsedBytes: count,
  heapTotalBytes: count,
  externalBytes: count,
  cpuUserSeconds: count,
  cpuSystemSeconds: count,
  cpuCores: count.describe('cores in use over the last second'),
  eventLoopUtilizationRatio: ratio,
  openFileDescriptors: count.nullable(),
  machineCores: count,
  machineMemoryBytes: count,
  machineMemoryFreeBytes: count,
  machineLoad1: count,
});

const node = z.strictObject({
  id: z.string(),
  tier,
  address: z.string().nullable(),
  labels,
  version: z.string(),
  commit: z.string(),
  nodejs: z.string(),
  arch: z.string(),
  listeners: z.array(z.strictObject({ name: z.string(), host: z.string(), port: z.number() })),
  configuration: z.strictObject({
    reloadedMs: wallMs.nullable().describe('the last reload; null before the first'),
    problems: z.array(z.string()).describe('why the last reload was refused'),
    restartKeys: z.array(z.string()).describe('changed keys that wait for a restart'),
  }),
  broker: z
    .strictObject({
      url: z.string(),
      connected: z.boolean(),
      sinceMs: wallMs.nullable(),
      messagesReceived: count,
      messagesRejected: count,
    })
    .nullable()
    .describe('null without a broker in the configuration'),
  sources: z
    .array(z.strictObject({ source, trouble: z.string().nullable(), instances: count, leftOut: count }))
    .describe('of placements, beside the broker'),
  store: z
    .strictObject({
      path: z.string(),
      ok: z.boolean(),
      detail: z.string(),
      lastFlushMs: wallMs.nullable(),
      bytes: count.nullable(),
    })
    .nullable()
    .describe('null when nothing is kept'),
  probes: z.array(
    z.strictObject({
      nodeId: z.string(),
      tier,
      rttMs: ms.nullable(),
      failures: count.describe('since the last answer'),
      ageMs: ms.nullable().describe('of the last answer'),
    }),
  ),
  neighbourhood,
  troubles: z.array(z.string()).describe('what is wrong around this node'),
  process: processFacts,
});

const state = z.strictObject({
  time: z.iso.datetime(),
  lastEventSequence: count,
  ready: z.boolean(),
  notReadyReasons: z.array(z.string()),
  node,
  services: z.array(routerState),
  chains: z.array(chainState).describe('rows of services with one goal for the whole'),
});

const event = z.strictObject({
  sequence: count,
  time: z.iso.datetime(),
  service: z.string().nullable(),
  kind: z.enum([
    'ejected',
    'exploration-reset',
    'panic',
    'instance-added',
    'instance-removed',
    'instance-refused',
    'instance-availability',
    'instance-failing',
    'instance-well',
    'neighbour-ignored',
    'rtt-step',
    'broker',
    'store',
    'lifecycle',
    'action',
  ]),
  subject: z.string().nullable().describe('the instance or node it is about'),
  message: z.string(),
  severity: z.enum(['info', 'notice', 'warning']),
});

const column = z.array(z.number().nullable());

const history = z.strictObject({
  intervalMs: ms,
  timesMs: z.array(wallMs),
  successRatio: column,
  clientsSatisfiedRatio: column,
  requestsPerSecond: column,
  weights: z.record(z.string(), column),
});

const density = z.strictObject({
  key: z.string(),
  limitMs: ms,
  rttMs: ms,
  latencyMs: z.array(ms),
  density: z.array(z.number()).describe('per ms'),
});

const explained = z.strictObject({
  service: z.string(),
  policy: z.string(),
  clientId: z.string(),
  eventLoops: z.number().describe('that decide, each for itself'),
  chosen: z.string().nullable(),
  tier: z.enum(['policy', 'ejected', 'fallback', 'last-resort', 'shed', 'barred']),
  byChance: z.boolean(),
  reason: z.string(),
  candidates: z.array(instanceState.extend({ chosen: z.boolean(), eventLoops: count, reason: z.string() })),
});

/** Answers by the name they have in the document; the code's own types must agree, or nothing compiles. */
export const ANSWERS = {
  State: state,
  Events: z.strictObject({ events: z.array(event) }),
  History: history,
  Density: density,
  Explanation: explained,
  Done: z.strictObject({ done: z.string().describe('what was done, for people') }),
  LogLevel: z.strictObject({
    level: z.enum(LOG_LEVELS, {
      error: ({ input }) => `expected one of ${LOG_LEVELS.join(', ')}, got ${JSON.stringify(input) ?? 'nothing'}`,
    }),
  }),
  Problem: z.strictObject({ type: z.string(), title: z.string(), status: z.number(), detail: z.string() }),
} satisfies {
  readonly State: z.ZodType<StateDocument>;
  readonly Events: z.ZodType<{ readonly events: readonly EventDocument[] }>;
  readonly History: z.ZodType<ServiceHistory>;
  readonly Density: z.ZodType<DensityDocument>;
  readonly Explanation: z.ZodType<ExplainDocument>;
  readonly Done: z.ZodType<ActionDocument>;
  readonly LogLevel: z.ZodType<{ readonly level: LogLevel }>;
  readonly Problem: z.ZodType<ProblemDocument>;
};

export const instanceBody = z.strictObject({ instance: z.string().describe('<node>/<instance>') });
export const ejectBody = instanceBody.extend({ durationMs: z.number().int().min(1).max(3_600_000) });
export const policyBody = z.strictObject({
  name: z.string(),
  options: z.record(z.string(), z.unknown()).default({}),
});
export const logLevelBody = ANSWERS.LogLevel;

/** Bodies by the name they have in the document. */
export const BODIES = {
  Instance: instanceBody,
  Eject: ejectBody,
  Policy: policyBody,
  NewLogLevel: logLevelBody,
} as const;
