// What the state says of services: their instances, goals and routers, and the chains they are stages of.

import * as z from 'zod';
import { neighbours } from './neighbour-schemas.ts';
import { clients, requirementState } from './requirement-schemas.ts';
import { count, labels, ms, ratio, tier } from './scalars.ts';

export const source = z.enum(['config', 'announce', 'file', 'docker', 'mqtt', 'informer', 'dns', 'mdns']);

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

export const instanceState = z.strictObject({
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

export const routerState = z.strictObject({
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

export const chainState = z.strictObject({
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
