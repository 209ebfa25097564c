// The kinds of world that have a target of their own, and the general one. A seed gives one world of a kind.

import type { Rng } from '../../../src/core/rng.ts';
import { createStream, sample, uniform } from '../../../src/sim/random.ts';
import { type ClientGroup, capacityOf, type InstanceModel, type ScenarioEvent } from '../../../src/sim/scenario.ts';
import { greedyCenters } from '../../../src/sim/world/topology.ts';
import { pick } from './draws.ts';
import { drawMixed } from './mixed.ts';
import { drawMoving } from './moving.ts';
import { drawPlaces, type Places, scaled } from './places.ts';
import { assemble, type GeneratedWorld, PLAIN_CLIENTS, PLAIN_MODEL, worldTightness } from './world.ts';

export const KINDS = {
  'tight-1.0': { draw: (name: string, seed: number) => drawTight(name, seed, 1), what: 'capacity just suffices' },
  'tight-1.1': { draw: (name: string, seed: number) => drawTight(name, seed, 1.1), what: 'a tenth more load' },
  'tight-1.2': { draw: (name: string, seed: number) => drawTight(name, seed, 1.2), what: 'a fifth more load' },
  overload: { draw: drawOverload, what: '1.2 to 3 times what all instances carry' },
  'capacity-falls': { draw: drawCapacityFalls, what: 'capacity at 60 % of the load for a minute' },
  'little-information': { draw: drawLittleInformation, what: '200 load balancers with 2 requests/s each' },
  'few-good': { draw: drawFewGood, what: 'a hundred instances, four of them quick' },
  recovered: { draw: drawRecovered, what: 'one of four was slow, is well again, and the load doubles' },
  'two-bad': { draw: drawTwoBad, what: 'one request a second, two of four instances bad' },
  mixed: { draw: drawMixed, what: 'worlds with everything drawn' },
  moving: { draw: drawMoving, what: 'worlds in which something always moves' },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

interface Kind {
  readonly draw: (name: string, seed: number) => GeneratedWorld;
  readonly what: string;
}

/** Seeds to tune on, and seeds that only judge: the n-th of each. */
export function seedOf(set: 'train' | 'test', n: number): number {
  return (set === 'train' ? 1_000 : 500_000) + n;
}

export function generateWorld(kind: KindName, seed: number): GeneratedWorld {
  return KINDS[kind].draw(`${kind}-${seed}`, seed);
}

const FOREVER = Number.POSITIVE_INFINITY;
const LATENCY_MS = 80;
/** A tightness at which the best fixed split still serves almost all: no region above three quarters of its capacity. */
const TIGHT = 0.75;
const DRAWS_MAX = 1_000;

const MODELS = {
  ps: { discipline: 'processor-sharing', workMeanMs: 5, workCv: 0.5 },
  fs: { discipline: 'fifo', workMeanMs: 5.5, workCv: 0.35 },
} as const;

function modelOf(changes: Partial<InstanceModel>): InstanceModel {
  return {
    ...PLAIN_MODEL,
    workMeanMs: 5,
    overheadFixedMs: 2,
    overheadMeanMs: 1,
    ...changes,
  };
}

function clients(changes: Partial<ClientGroup>): ClientGroup {
  return {
    ...PLAIN_CLIENTS,
    each: 4,
    ratePerSecond: 10,
    ...changes,
  };
}

// ---- tight topologies, overload, capacity that falls ----

interface CityWorld {
  readonly places: Places;
  readonly models: readonly InstanceModel[];
  /** Requests per second of each load balancer at which the tightest region is at `TIGHT`. */
  readonly rate: number;
  readonly traits: readonly string[];
}

/** Instances as far from one another as possible, as the paper places them: many a load balancer has one or two in reach. */
function spreadCities(rng: Rng, options: { balancers: number; instances: number; stretch: number }): Places {
  const { balancers, instances, stretch } = options;
  const places = drawPlaces(rng, 'cities', { balancers, instances });
  const first = Math.floor(rng.next() * balancers);
  const centers = greedyCenters(Float64Array.from(places.rttMs.flat()), { nodes: balancers, count: instances, first });
  return scaled({ ...places, instances: centers }, stretch * LATENCY_MS);
}

/** Cities as in the paper's experiment, but those are left out that are easy at full use. */
function drawCities(rng: Rng): CityWorld {
  const model = pick(rng, ['ps', 'fs'] as const);
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const balancers = 20 + Math.floor(21 * rng.next());
    const instances = 8 + Math.floor(7 * rng.next());
    const places = spreadCities(rng, { balancers, instances, stretch: uniform(rng, 1.5, 3) });
    const models = places.instances.map(() => modelOf(MODELS[model]));
    const loads = places.balancers.map(() => 1);
    const perUnit = worldTightness({ places, models, latencyMs: LATENCY_MS, loads });
    const rate = TIGHT / perUnit;
    const use = (rate * balancers) / models.reduce((sum, one) => sum + capacityOf(one), 0);
    // Between half and three quarters of all capacity used: otherwise it is a tiny region that is tight, or the whole.
    if (use >= 0.5 && use <= 0.75) return { places, models, rate, traits: [model] };
  }
  throw new Error(`no tight cities in ${DRAWS_MAX} draws`);
}

function drawTight(name: string, seed: number, load: number): GeneratedWorld {
  const rng = createStream(seed, 'tight world');
  const { places, models, rate, traits } = drawCities(rng);
  return assemble({
    name,
    latencyMs: LATENCY_MS,
    durationMs: 90_000,
    steadyFromMs: 30_000,
    places,
    models,
    clients: [clients({ ratePerSecond: (rate * load) / 4 })],
    events: [],
    traits,
    tightness: TIGHT * load,
  });
}

function drawOverload(name: string, seed: number): GeneratedWorld {
  const rng = createStream(seed, 'overload world');
  const { places, models, traits } = drawCities(rng);
  const capacity = models.reduce((sum, model) => sum + capacityOf(model), 0);
  const load = uniform(rng, 1.2, 3);
  const rate = (load * capacity) / places.balancers.length;
  const loads = places.balancers.map(() => rate);
  return assemble({
    name,
    latencyMs: LATENCY_MS,
    durationMs: 60_000,
    steadyFromMs: 20_000,
    places,
    models,
    clients: [clients({ ratePerSecond: rate / 4, pattern: pick(rng, ['periodic', 'poisson']) })],
    events: [],
    traits: [...traits, `${load.toFixed(1)} ×`],
    tightness: worldTightness({ places, models, latencyMs: LATENCY_MS, loads }),
  });
}

/** The capacity of all instances falls to 60 % of the load, and comes back a minute later. */
function drawCapacityFalls(name: string, seed: number): GeneratedWorld {
  const rng = createStream(seed, 'capacity world');
  const { places, models, rate, traits } = drawCities(rng);
  const capacity = models.reduce((sum, model) => sum + capacityOf(model), 0);
  const factor = capacity / (0.6 * rate * places.balancers.length);
  const events = models.map(
    (_, i): ScenarioEvent => ({ kind: 'slow', instance: `i${i + 1}`, factor, atMs: 40_000, forMs: 60_000 }),
  );
  return assemble({
    name,
    latencyMs: LATENCY_MS,
    durationMs: 160_000,
    steadyFromMs: 20_000,
    places,
    models,
    clients: [clients({ ratePerSecond: rate / 4 })],
    events,
    traits,
    tightness: TIGHT * factor,
  });
}

// ---- little information ----

function drawLittleInformation(name: string, seed: number): GeneratedWorld {
  const rng = createStream(seed, 'little world');
  const balancers = 200;
  const instances = 6;
  const model = pick(rng, ['ps', 'fs'] as const);
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const places = spreadCities(rng, { balancers, instances, stretch: 1 });
    const workMeanMs = (1_000 * 0.67 * instances) / (2 * balancers);
    const models = places.instances.map(() => modelOf({ ...MODELS[model], workMeanMs }));
    const loads = places.balancers.map(() => 2);
    const tightness = worldTightness({ places, models, latencyMs: LATENCY_MS, loads });
    if (tightness > 0.85) continue;
    return assemble({
      name,
      latencyMs: LATENCY_MS,
      durationMs: 120_000,
      steadyFromMs: 40_000,
      places,
      models,
      clients: [clients({ each: 1, ratePerSecond: 2, pattern: 'poisson' })],
      events: [],
      traits: [model],
      tightness,
    });
  }
  throw new Error(`no topology with all clients in reach in ${DRAWS_MAX} draws: seed ${seed}`);
}

// ---- one load balancer ----

/** One load balancer, instances at the given round trips. */
function star(rttsMs: readonly number[]): Places {
  const count = rttsMs.length + 1;
  const rttMs = Array.from({ length: count }, (_, a) =>
    Array.from({ length: count }, (_, b) => (a === b ? 0.5 : (rttsMs[Math.max(a, b) - 1] as number))),
  );
  const all = Array.from({ length: count }, (_, n) => n);
  return { nodes: all.map((n) => `n${n}`), rttMs, balancers: [0], instances: all.slice(1) };
}

interface AloneParts {
  readonly durationMs: number;
  readonly steadyFromMs: number;
  readonly clients: readonly ClientGroup[];
  readonly events?: readonly ScenarioEvent[];
  readonly bad?: readonly number[];
}

function alone(
  name: string,
  rttsMs: readonly number[],
  models: readonly InstanceModel[],
  parts: AloneParts,
): GeneratedWorld {
  const places = star(rttsMs);
  const rate = parts.clients.reduce((sum, { each, ratePerSecond }) => sum + each * ratePerSecond, 0);
  return assemble({
    name,
    latencyMs: LATENCY_MS,
    events: [],
    ...parts,
    places,
    models,
    traits: ['alone'],
    tightness: worldTightness({ places, models, latencyMs: LATENCY_MS, loads: [rate] }),
  });
}

function drawFewGood(name: string, seed: number): GeneratedWorld {
  const rng = createStream(seed, 'few good');
  const rtts = Array.from({ length: 100 }, () => uniform(rng, 5, 30));
  const farther = sample(
    rng,
    [...rtts.keys()].filter((i) => (rtts[i] as number) > 15),
    4,
  );
  const models = rtts.map((_, i) => modelOf({ workMeanMs: farther.includes(i) ? 15 : 200 }));
  return alone(name, rtts, models, { durationMs: 120_000, steadyFromMs: 30_000, clients: [clients({})] });
}

function drawRecovered(name: string, seed: number): GeneratedWorld {
  const rng = createStream(seed, 'recovered');
  const rtts = Array.from({ length: 4 }, () => uniform(rng, 1, 15));
  const models = rtts.map(() => modelOf({ workMeanMs: 28, workCv: 0.3 }));
  const slow = `i${1 + Math.floor(4 * rng.next())}`;
  return alone(name, rtts, models, {
    durationMs: 240_000,
    steadyFromMs: 185_000,
    clients: [clients({ pattern: 'poisson' }), clients({ each: 5, pattern: 'poisson', fromMs: 180_000 })],
    events: [{ kind: 'slow', instance: slow, factor: uniform(rng, 5, 20), atMs: 40_000, forMs: 60_000 }],
  });
}

/** Bad: never in time, or half of it fails. */
function drawTwoBad(name: string, seed: number): GeneratedWorld {
  const rng = createStream(seed, 'two bad');
  const rtts = Array.from({ length: 4 }, () => uniform(rng, 1, 30));
  const bad = sample(rng, [0, 1, 2, 3], 2);
  const slow = rng.next() < 0.5;
  const models = rtts.map((_, i) => modelOf({ workMeanMs: slow && bad.includes(i) ? 120 : 8 }));
  const events = bad.map(
    (i): ScenarioEvent => ({ kind: 'errors', instance: `i${i + 1}`, ratio: 0.9, atMs: 0, forMs: FOREVER }),
  );
  return alone(name, rtts, models, {
    durationMs: 600_000,
    steadyFromMs: 60_000,
    clients: [clients({ each: 1, ratePerSecond: 1, pattern: 'poisson' })],
    events: slow ? [] : events,
    bad,
  });
}
