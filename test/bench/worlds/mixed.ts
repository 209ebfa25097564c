// The general world: everything is drawn, and then scaled in time so that it is as tight as was drawn.
//
// All times are relative to the limit at first. The load that makes the tightest region as tight as it should be is so many requests
// per limit; with a rate per load balancer drawn in requests per second, that gives the limit in milliseconds.

import type { Rng } from '../../../src/core/rng.ts';
import { createStream, normal, sample, uniform } from '../../../src/sim/random.ts';
import type { ClientGroup, InstanceModel, NeighbourSpec, ScenarioEvent } from '../../../src/sim/scenario.ts';
import { logUniform, pick } from './draws.ts';
import { drawPlaces, GEOGRAPHIES, type Places, scaled } from './places.ts';
import { assemble, type GeneratedWorld, PLAIN_CLIENTS, PLAIN_MODEL, worldTightness } from './world.ts';

const DRAWS_MAX = 2_000;
const BALANCERS_MAX = 200;
const INSTANCES = { min: 3, max: 100 };
const RATE = { min: 0.1, max: 100 };
/** Requests per second in all: what a benchmark can afford. */
const TOTAL_RATE_MAX = 2_000;
const LATENCY_MS = { min: 30, max: 1_500 };
/** As many requests as set one policy apart from another, within these durations. */
const REQUESTS = 40_000;
const DURATION_MS = { min: 90_000, max: 600_000 };

const FOREVER = Number.POSITIVE_INFINITY;

export function drawMixed(name: string, seed: number): GeneratedWorld {
  const rng = createStream(seed, 'mixed world');
  // Drawn first: of the draws that are tried, fewer fit one load balancer than many.
  const alone = rng.next() < 1 / 3;
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const world = tryDraw(name, alone, rng);
    if (world !== null) return world;
  }
  throw new Error(`no world in ${DRAWS_MAX} draws: seed ${seed}`);
}

function tryDraw(name: string, alone: boolean, rng: Rng): GeneratedWorld | null {
  const balancers = alone ? 1 : Math.round(logUniform(rng, 2, BALANCERS_MAX));
  const instances = Math.round(logUniform(rng, INSTANCES.min, INSTANCES.max));
  const geography = pick(rng, GEOGRAPHIES);
  const places = drawPlaces(rng, geography, { balancers, instances });
  const { models, traits } = drawModels(rng, instances);
  const parts = places.balancers.map(() => Math.exp(0.5 * normal(rng)));
  const tightness = uniform(rng, 0.6, 1.3);
  const happening = drawHappening(rng, instances);
  const loads = parts.map((part) => part * happening.surge);
  const perUnit = worldTightness({ places, models, latencyMs: 1, loads, remaining: happening.remaining });
  if (!(perUnit > 0 && perUnit < FOREVER)) return null;
  // Requests per limit; with the models in units of the limit, capacities are in requests per thousand limits.
  const perLimit = (tightness / perUnit / 1_000) * parts.reduce((sum, part) => sum + part, 0);
  const totalRate = balancers * logUniform(rng, RATE.min, RATE.max);
  const latencyMs = (1_000 * perLimit) / totalRate;
  if (totalRate > TOTAL_RATE_MAX || !(latencyMs >= LATENCY_MS.min && latencyMs <= LATENCY_MS.max)) return null;
  const durationMs = clamp((1_000 * REQUESTS) / totalRate, DURATION_MS);
  const traffic = pick(rng, ['periodic', 'periodic', 'poisson', 'poisson', 'on-off', 'bursts'] as const);
  const handshake = rng.next() < 0.5;
  const unit = totalRate / parts.reduce((sum, part) => sum + part, 0);
  return assemble({
    name,
    latencyMs,
    durationMs,
    steadyFromMs: durationMs / 3,
    places: scaled(places, latencyMs),
    models: models.map((model) => inMs(model, latencyMs)),
    clients: clientsOf(rng, {
      places,
      rates: parts.map((part) => part * unit),
      traffic,
      durationMs,
      surge: happening.surge,
    }),
    events: happening.events(durationMs, latencyMs),
    traits: [
      alone ? 'alone' : 'shared',
      geography,
      ...traits,
      traffic,
      happening.kind,
      handshake ? 'handshake' : 'connected',
    ],
    ...(handshake ? { connections: { handshakeRtts: 1, idleMs: 4_000, warm: 0 } } : {}),
    tightness,
  });
}

// ---- instances ----

/** In units of the limit. */
function drawModels(rng: Rng, instances: number): { models: InstanceModel[]; traits: string[] } {
  const discipline = pick(rng, ['processor-sharing', 'processor-sharing', 'fifo', 'fifo', 'batching'] as const);
  const tail = pick(rng, ['', '', '', 'heavy tail', 'pareto'] as const);
  const cold = rng.next() < 0.15;
  const shared = discipline !== 'batching' && rng.next() < 0.15;
  const taken = uniform(rng, 0.2, 0.5);
  const work = 1 / logUniform(rng, 6, 30);
  const size = pick(rng, [4, 8, 16]);
  const speeds = pick(rng, [[1], [1], [1, 2], [1, 2, 4]]);
  const base: InstanceModel = {
    ...PLAIN_MODEL,
    discipline,
    batch:
      discipline === 'batching' ? { size, delayMs: uniform(rng, 0, 0.1), marginal: uniform(rng, 0.05, 0.3) } : null,
    workMeanMs: work,
    workCv: tail === 'heavy tail' ? 3 : pick(rng, [0.2, 0.5, 1]),
    workTail: tail === 'pareto' ? 1.8 : null,
    overheadFixedMs: 0.02,
    overheadMeanMs: 0.01,
    coldLoadMs: cold ? uniform(rng, 1_000, 3_000) : 0,
    coldIdleMs: cold ? 60_000 : FOREVER,
    neighbour: shared
      ? { ratePerSecond: (1_000 * taken) / (2 * work), workMeanMs: 2 * work, busyMs: 20_000, idleMs: 20_000 }
      : null,
  };
  const models = Array.from({ length: instances }, () => ({
    ...base,
    workMeanMs: base.workMeanMs * pick(rng, speeds),
  }));
  const unlike = speeds.length > 1 ? ['unlike instances'] : [];
  return {
    models,
    traits: [discipline, tail, cold ? 'cold loads' : '', shared ? 'two services' : '', ...unlike].filter(
      (trait) => trait !== '',
    ),
  };
}

function inMs(model: InstanceModel, latencyMs: number): InstanceModel {
  return {
    ...model,
    workMeanMs: Number((model.workMeanMs * latencyMs).toPrecision(4)),
    overheadFixedMs: model.overheadFixedMs * latencyMs,
    overheadMeanMs: model.overheadMeanMs * latencyMs,
    neighbour: model.neighbour === null ? null : neighbourInMs(model.neighbour, latencyMs),
    batch: model.batch === null ? null : { ...model.batch, delayMs: model.batch.delayMs * latencyMs },
  };
}

function neighbourInMs(neighbour: NeighbourSpec, latencyMs: number): NeighbourSpec {
  const { ratePerSecond, workMeanMs } = neighbour;
  return { ...neighbour, ratePerSecond: ratePerSecond / latencyMs, workMeanMs: workMeanMs * latencyMs };
}

// ---- clients ----

interface ClientsOptions {
  readonly places: Places;
  /** Requests per second of each load balancer. */
  readonly rates: readonly number[];
  readonly traffic: 'periodic' | 'poisson' | 'on-off' | 'bursts';
  readonly durationMs: number;
  readonly surge: number;
}

function clientsOf(rng: Rng, options: ClientsOptions): ClientGroup[] {
  const { places, rates, traffic, durationMs, surge } = options;
  const shape = trafficOf(rng, traffic);
  const usual = rates.map((rate, b): ClientGroup => {
    const each = 1 + Math.floor(4 * rng.next());
    const node = places.nodes[places.balancers[b] as number] as string;
    const { ratio, ...group } = shape;
    return { ...PLAIN_CLIENTS, ...group, each, on: [node], ratePerSecond: rate / each / ratio };
  });
  if (surge === 1) return usual;
  const more = usual.map((one) => ({ ...one, ratePerSecond: one.ratePerSecond * (surge - 1) }));
  return [...usual, ...more.map((one) => ({ ...one, fromMs: 0.6 * durationMs, untilMs: 0.8 * durationMs }))];
}

/** With the share of the time in which a client sends. */
function trafficOf(rng: Rng, traffic: ClientsOptions['traffic']): Partial<ClientGroup> & { ratio: number } {
  switch (traffic) {
    case 'periodic':
    case 'poisson':
      return { pattern: traffic, ratio: 1 };
    case 'on-off': {
      const busyMs = uniform(rng, 2_000, 10_000);
      const idleMs = uniform(rng, 2_000, 10_000);
      return { pattern: 'periodic', busyMs, idleMs, ratio: busyMs / (busyMs + idleMs) };
    }
    case 'bursts':
      return { pattern: 'poisson', burst: pick(rng, [2, 5, 10]), ratio: 1 };
  }
}

// ---- what happens ----

interface Happening {
  readonly kind: string;
  /** Factor on all rates while it lasts. */
  readonly surge: number;
  /** Share of each instance's capacity that remains at the worst. */
  readonly remaining: readonly number[];
  readonly events: (durationMs: number, latencyMs: number) => ScenarioEvent[];
}

const KINDS = [
  'calm',
  'calm',
  'calm',
  'calm',
  'throttling',
  'crash',
  'slow link',
  'link bursts',
  'uplink stalls',
  'errors',
  'surge',
  'stalls',
] as const;

function drawHappening(rng: Rng, instances: number): Happening {
  const kind = pick(rng, KINDS);
  const some = sample(
    rng,
    Array.from({ length: instances }, (_, i) => i),
    Math.max(1, Math.round(uniform(rng, 0.1, 0.3) * instances)),
  );
  const left = (share: number): number[] => Array.from({ length: instances }, (_, i) => (some.includes(i) ? share : 1));
  const all = left(1);
  const name = (i: number): string => `i${i + 1}`;
  const spell = (durationMs: number) => ({ atMs: 0.6 * durationMs, forMs: 0.2 * durationMs });
  switch (kind) {
    case 'calm':
      return { kind, surge: 1, remaining: all, events: () => [] };
    case 'surge':
      return { kind, surge: uniform(rng, 1.2, 1.6), remaining: all, events: () => [] };
    case 'throttling': {
      const factor = uniform(rng, 1.5, 4);
      // One after another, as devices grow hot.
      const at = (n: number, durationMs: number): number => (0.5 + (0.2 * n) / some.length) * durationMs;
      return {
        kind,
        surge: 1,
        remaining: left(1 / factor),
        events: (durationMs) =>
          some.map((i, n) => ({
            kind: 'slow',
            instance: name(i),
            factor,
            atMs: at(n, durationMs),
            forMs: 0.2 * durationMs,
          })),
      };
    }
    case 'crash':
      return {
        kind,
        surge: 1,
        remaining: left(0),
        events: (durationMs) =>
          some.map((i) => ({ kind: 'crash', instance: name(i), detectedMs: 5_000, ...spell(durationMs) })),
      };
    case 'slow link':
      return {
        kind,
        surge: 1,
        remaining: left(0),
        events: (durationMs, latencyMs) =>
          some.map((i) => ({ kind: 'link', instance: name(i), addMs: latencyMs, ...spell(durationMs) })),
      };
    case 'errors':
      return {
        kind,
        surge: 1,
        remaining: left(0),
        events: (durationMs) =>
          some.map((i) => ({ kind: 'errors', instance: name(i), ratio: 0.5, ...spell(durationMs) })),
      };
    case 'link bursts':
      return {
        kind,
        surge: 1,
        remaining: all,
        events: (durationMs, latencyMs) => [
          {
            kind: 'bursts',
            instances: some.map(name),
            gapMs: 5_000,
            lengthMs: 10 * latencyMs,
            addMs: latencyMs,
            atMs: 0.4 * durationMs,
            forMs: FOREVER,
          },
        ],
      };
    case 'uplink stalls':
      return {
        kind,
        surge: 1,
        remaining: all,
        events: (durationMs, latencyMs) => [
          { kind: 'uplink', on: 'all', gapMs: 5_000, pauseMs: 4 * latencyMs, atMs: 0.4 * durationMs, forMs: FOREVER },
        ],
      };
    case 'stalls':
      return {
        kind,
        surge: 1,
        remaining: all,
        events: (durationMs, latencyMs) => [
          { kind: 'hiccups', gapMs: 15 * latencyMs, pauseMs: 4 * latencyMs, ...spell(durationMs) },
        ],
      };
  }
}

function clamp(value: number, { min, max }: { min: number; max: number }): number {
  return Math.min(max, Math.max(min, value));
}
