// The shapes of /api/v1, once: requests are checked by them, the OpenAPI document is made from them, and the types of
// the code must agree with them or nothing compiles.

import * as z from 'zod';
import { LOG_LEVELS, type LogLevel } from '../../telemetry/log.ts';
import type { ProblemDocument } from '../problem.ts';
import type { ExplainDocument } from '../state/explain.ts';
import type { ServiceHistory } from '../state/history.ts';
import type { DensityDocument, EventDocument, StateDocument } from '../state/state.ts';
import { neighbourhood } from './neighbour-schemas.ts';
import { count, labels, ms, ratio, tier, wallMs } from './scalars.ts';
import { chainState, instanceState, routerState, source } from './service-schemas.ts';

/** What an action did, for people. */
export interface ActionDocument {
  readonly done: string;
}

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
