// What a person writes in a scenario file, section by section: durations in words, every default.

import * as z from 'zod';
import { section } from '../config/key.ts';
import { profile } from '../config/schema/profile.ts';
import { goalKeys, objectiveKeys } from '../config/schema/service/qos.ts';
import { count, duration, labels, name, parsed } from '../config/values.ts';
import { GROUPS_MAX, TIERS } from '../core/domain.ts';
import type { ClientGroup, InstanceModel, NetworkSpec, StageSpec, TopologySpec } from '../sim/scenario.ts';
import { chosenBalancers } from './event-schema.ts';

const FOREVER = Number.POSITIVE_INFINITY;

export const headSchema = z.object({
  name,
  description: z.string().default(''),
  duration: duration(),
  steady: duration({ zero: true }).optional(),
  load: z.number().gt(0).max(100).default(1),
  seeds: z.array(z.int().min(0).max(0x7fffffff)).min(1).default([1]),
  policies: z.array(z.string()).min(1).default(['qedge']),
});

/** In the words of a service's configuration. */
export const qosSchema = section(goalKeys);
export const objectiveSchema = section(objectiveKeys);

/** A round trip in ms, or `"none"` where there is no way. */
const roundTrip = z.union([z.number().min(0).max(60_000), z.literal('none')], {
  error: 'expected a round trip in ms (0 or more), or "none" where there is no way',
});

const europeSchema = z
  .strictObject({
    kind: z.literal('europe'),
    nodes: count(1, 10_000).default(30),
    instances: count(1, 4_000).default(10),
    idle: duration().prefault('8ms'),
  })
  .transform(({ idle, ...rest }): TopologySpec => ({ ...rest, idleProcessingMs: idle }));

const matrixSchema = z
  .strictObject({
    kind: z.literal('matrix'),
    nodes: z.array(name).min(1),
    rtt: z.array(z.array(roundTrip)),
    instances: z.array(z.string()).min(1),
    balancers: z.array(z.string()).min(1).optional(),
    one_process: z.boolean().default(false),
  })
  .transform(
    ({ rtt, balancers, one_process: oneProcess, ...rest }): TopologySpec => ({
      ...rest,
      oneProcess,
      rttMs: rtt.map((row) => row.map((ms) => (ms === 'none' ? FOREVER : ms))),
      balancers: balancers ?? rest.nodes,
    }),
  );

export const topologySchema: z.ZodType<TopologySpec> = z.discriminatedUnion('kind', [europeSchema, matrixSchema]);

export const networkSchema: z.ZodType<NetworkSpec> = z
  .strictObject({
    jitter: duration({ zero: true }).prefault('0.5ms'),
    retries: count(0, 10).default(1),
    timeout: duration().prefault('1s'),
    probe: duration().prefault('10s'),
    placement: duration({ zero: true }).prefault('200ms'),
    handshake: count(0, 10).default(0),
    idle: duration().prefault('4s'),
    warm: count(0, 1_000).default(0),
  })
  .transform(({ jitter, retries, timeout, probe, placement, handshake, idle, warm }) => ({
    jitterMs: jitter,
    retries,
    timeoutMs: timeout,
    probeMs: probe,
    placementMs: placement,
    connections: { handshakeRtts: handshake, idleMs: idle, warm },
  }));

const modelFields = {
  kind: z.enum(['processor-sharing', 'fifo', 'batching']).default('processor-sharing'),
  cores: count(1, 1_024).default(1),
  work: z
    .strictObject({
      mean: duration(),
      cv: z.number().min(0).max(100).default(0.5),
      tail: z.number().gt(1).max(100).optional(),
    })
    .prefault({ mean: '5ms', cv: 0.5 }),
  batch: z
    .strictObject({
      size: count(1, 1_024),
      delay: duration({ zero: true }).prefault('0ms'),
      marginal: z.number().min(0).max(1).default(0.2),
    })
    .prefault({ size: 8 }),
  neighbour: z
    .strictObject({
      rate: z.number().gt(0).max(100_000),
      work: duration(),
      busy: duration().optional(),
      idle: duration().optional(),
    })
    .refine(
      ({ busy, idle }) => (busy === undefined) === (idle === undefined),
      'expected busy and idle together, or neither',
    )
    .transform(({ rate, work, busy, idle }) => ({
      ratePerSecond: rate,
      workMeanMs: work,
      busyMs: busy ?? 0,
      idleMs: idle ?? 0,
    }))
    .optional(),
  profile: profile.optional(),
  tier: z.enum(TIERS).optional(),
  labels: labels.optional(),
  tls: z.boolean().optional(),
  cold: z.strictObject({ load: duration(), idle: duration().optional() }).optional(),
  overhead: z
    .strictObject({ fixed: duration({ zero: true }).prefault('0ms'), mean: duration({ zero: true }).prefault('0ms') })
    .prefault({ fixed: '2ms', mean: '1ms' }),
  queue: count(1).default(1_000),
  stall: z.strictObject({ every: duration(), length: duration() }).optional(),
};

type ModelText = z.output<z.ZodObject<typeof modelFields>>;

const toModel = ({
  kind,
  cores,
  work,
  batch,
  overhead,
  queue,
  stall,
  cold,
  neighbour,
  profile,
  tier,
  labels,
  tls,
}: ModelText): InstanceModel => ({
  discipline: kind,
  cores,
  workMeanMs: work.mean,
  workCv: work.cv,
  workTail: work.tail ?? null,
  batch: kind === 'batching' ? { size: batch.size, delayMs: batch.delay, marginal: batch.marginal } : null,
  overheadFixedMs: overhead.fixed,
  overheadMeanMs: overhead.mean,
  jobsMax: queue,
  stallEveryMs: stall?.every ?? FOREVER,
  stallMs: stall?.length ?? 0,
  coldLoadMs: cold?.load ?? 0,
  coldIdleMs: cold?.idle ?? FOREVER,
  neighbour: neighbour ?? null,
  ...(profile === undefined ? {} : { profile }),
  ...(tier === undefined ? {} : { tier }),
  ...(labels === undefined ? {} : { labels }),
  ...(tls === undefined ? {} : { tls }),
});

/** `[model]`: how an instance works. */
export const modelSchema: z.ZodType<InstanceModel> = z.strictObject(modelFields).transform(toModel);

/** A model of their own for some instances, written out in full. */
export const overrideSchema = z
  .strictObject({ instances: z.array(z.string()).min(1), ...modelFields })
  .transform(({ instances, ...model }) => ({ instances, model: toModel(model) }));

export const clientsSchema: z.ZodType<ClientGroup> = z
  .strictObject({
    each: count(1, 100_000),
    on: chosenBalancers.default('all'),
    rate: z.number().gt(0).max(100_000).optional(),
    think: duration().optional(),
    groups: z
      .strictObject({
        shares: z.array(z.number().min(0)).min(1).max(GROUPS_MAX),
        hold: duration(),
        crowd: count(0, 1_000).default(0),
      })
      .refine(({ shares }) => shares.some((share) => share > 0), 'expected a share above 0')
      .transform(({ shares, hold, crowd }) => ({ shares, holdMs: hold, crowd }))
      .optional(),
    pattern: z.enum(['periodic', 'poisson']).default('periodic'),
    burst: count(1, 10_000).default(1),
    busy: duration().optional(),
    idle: duration().optional(),
    drift: z.number().min(0).max(10_000).default(50),
    work: z.number().positive().max(1_000).default(1),
    at: duration({ zero: true }).prefault('0s'),
    until: duration().optional(),
  })
  .refine(({ rate, think }) => (rate === undefined) !== (think === undefined), 'expected either rate or think')
  .transform(({ rate, think, groups, drift, work, at, until, busy, idle, ...rest }) => ({
    ...rest,
    ratePerSecond: rate ?? 0,
    ...(think === undefined ? {} : { thinkMs: think }),
    ...(groups === undefined ? {} : { groups }),
    busyMs: busy ?? 0,
    idleMs: idle ?? 0,
    driftPpm: drift,
    workFactor: work,
    fromMs: at,
    untilMs: until ?? FOREVER,
  }));

/** `[[stage]]`: a service of the chain that each request runs through. */
export const stageSchema: z.ZodType<StageSpec> = z.strictObject({ name, instances: z.array(z.string()).min(1) });

/** `1-20`, `101,103`, `7`: seeds on the command line. */
export const seedsText: z.ZodType<number[], string> = parsed(
  'expected seeds such as "1", "1,2,7" or "101-140"',
  (text) => {
    const seeds = text.split(',').flatMap((part) => {
      const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part.trim());
      if (match === null) return [Number.NaN];
      const from = Number(match[1]);
      const to = Number(match[2] ?? match[1]);
      return to >= from && to - from < 10_000
        ? Array.from({ length: to - from + 1 }, (_, i) => from + i)
        : [Number.NaN];
    });
    return seeds.some(Number.isNaN) ? null : seeds;
  },
);
