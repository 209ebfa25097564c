// `[[event]]`: what happens in a scenario, and when.

import * as z from 'zod';
import { count, duration, name, positiveRatio } from '../config/values.ts';
import type { ScenarioEvent } from '../sim/scenario.ts';

const FOREVER = Number.POSITIVE_INFINITY;

/** Which load balancers something concerns. */
export const chosenBalancers = z.union([z.literal('all'), count(1, 100_000), z.array(z.string()).min(1)], {
  error: 'expected "all", how many at random, or a list of nodes',
});

const at = duration({ zero: true });
const spell = { at, instance: z.string(), for: duration().optional() };

const spellOf = (event: { at: number; instance: string; for?: number | undefined }) => ({
  atMs: event.at,
  instance: event.instance,
  forMs: event.for ?? FOREVER,
});

const eventKinds = [
  z
    .strictObject({ kind: z.literal('join'), at, instance: name, node: z.string() })
    .transform(({ at, ...event }) => ({ ...event, atMs: at })),
  z
    .strictObject({
      kind: z.literal('leave'),
      at,
      instance: z.string(),
      grace: duration({ zero: true }).prefault('2s'),
    })
    .transform(({ at, grace, ...event }) => ({ ...event, atMs: at, graceMs: grace })),
  z
    .strictObject({ kind: z.literal('crash'), ...spell, detected: duration({ zero: true }).optional() })
    .transform((event) => ({ kind: event.kind, ...spellOf(event), detectedMs: event.detected ?? FOREVER })),
  z.strictObject({ kind: z.literal('hang'), ...spell }).transform((event) => ({ kind: event.kind, ...spellOf(event) })),
  z
    .strictObject({ kind: z.literal('slow'), ...spell, factor: z.number().gt(0).max(1_000) })
    .transform((event) => ({ kind: event.kind, ...spellOf(event), factor: event.factor })),
  z
    .strictObject({ kind: z.enum(['delay', 'link']), ...spell, add: duration() })
    .transform((event) => ({ kind: event.kind, ...spellOf(event), addMs: event.add })),
  z
    .strictObject({ kind: z.literal('errors'), ...spell, ratio: positiveRatio })
    .transform((event) => ({ kind: event.kind, ...spellOf(event), ratio: event.ratio })),
  z
    .strictObject({ kind: z.literal('flap'), ...spell, up: duration(), down: duration() })
    .transform((event) => ({ kind: event.kind, ...spellOf(event), upMs: event.up, downMs: event.down })),
  z
    .strictObject({
      kind: z.literal('hiccups'),
      at,
      for: duration().optional(),
      gap: duration(),
      pause: duration(),
    })
    .transform((event) => ({
      kind: event.kind,
      atMs: event.at,
      forMs: event.for ?? FOREVER,
      gapMs: event.gap,
      pauseMs: event.pause,
    })),
  z
    .strictObject({
      kind: z.literal('bursts'),
      at,
      for: duration().optional(),
      instances: z.union([count(1, 4_000), z.array(z.string()).min(1)], {
        error: 'expected how many at random, or a list of instances',
      }),
      gap: duration(),
      length: duration(),
      add: duration(),
    })
    .transform(({ kind, at, instances, gap, length, add, for: spell }) => ({
      kind,
      atMs: at,
      forMs: spell ?? FOREVER,
      instances,
      gapMs: gap,
      lengthMs: length,
      addMs: add,
    })),
  z
    .strictObject({
      kind: z.literal('uplink'),
      at,
      for: duration().optional(),
      on: chosenBalancers.default('all'),
      gap: duration(),
      pause: duration(),
    })
    .transform(({ kind, at, on, gap, pause, for: spell }) => ({
      kind,
      atMs: at,
      forMs: spell ?? FOREVER,
      on,
      gapMs: gap,
      pauseMs: pause,
    })),
  z
    .strictObject({ kind: z.literal('broker'), at, for: duration(), how: z.enum(['hang', 'kill']) })
    .transform(({ kind, at, how, for: spell }) => ({ kind, atMs: at, forMs: spell, how })),
  z
    .strictObject({
      kind: z.literal('restart'),
      at,
      on: chosenBalancers.default('all'),
      state: z.enum(['warm', 'cold']),
      age: duration({ zero: true }).prefault('5s'),
    })
    .transform(({ at, age, ...event }) => ({ ...event, atMs: at, ageMs: age })),
] as const;

export const eventSchema: z.ZodType<ScenarioEvent> = z.discriminatedUnion('kind', eventKinds);
