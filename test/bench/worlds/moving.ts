// A second generator of worlds, made unlike the first (`mixed.ts`) on purpose, so that what holds in both is no habit of one. There the
// worst moment is as tight as was drawn and mostly one thing happens; here the mean load is drawn, and all the time something moves: the
// load of a whole site in Markov-modulated levels, clients, nodes, the speed of all that share a rack. Distances follow from hops on a
// graph; instances have several cores and small queues, spend time beside the processor, and are slow until their caches are warm.

import type { Rng } from '../../../src/core/rng.ts';
import { createStream, exponential, sample, uniform } from '../../../src/sim/random.ts';
import type { ClientGroup, InstanceModel, ScenarioEvent } from '../../../src/sim/scenario.ts';
import { logUniform, pick } from './draws.ts';
import type { Places } from './places.ts';
import { assemble, type GeneratedWorld, PLAIN_CLIENTS, PLAIN_MODEL, worldTightness } from './world.ts';

const DRAWS_MAX = 2_000;
const FOREVER = Number.POSITIVE_INFINITY;
/** Requests of a world, and seconds that it lasts. */
const REQUESTS = 50_000;
const DURATION_MS = { min: 90_000, max: 300_000 };
/** Requests per second of each load balancer. */
const RATE = { min: 0.2, max: 800 };
const TOTAL_RATE_MAX = 2_000;

/** Load balancers and instances: one alone with few or many, a handful, many that know little each. */
const SHAPES = {
  alone: { balancers: [1, 1], instances: [2, 8], rateMax: RATE.max },
  'alone among many': { balancers: [1, 1], instances: [20, 80], rateMax: RATE.max },
  handful: { balancers: [3, 12], instances: [3, 16], rateMax: RATE.max },
  'little each': { balancers: [60, 200], instances: [4, 20], rateMax: 3 },
} as const;

const GRAPHS = ['star', 'line', 'ring', 'clusters'] as const;

export function drawMoving(name: string, seed: number): GeneratedWorld {
  const rng = createStream(seed, 'moving world');
  const shape = pick(rng, Object.keys(SHAPES) as (keyof typeof SHAPES)[]);
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const world = tryDraw(name, shape, rng);
    if (world !== null) return world;
  }
  throw new Error(`no world in ${DRAWS_MAX} draws: seed ${seed}`);
}

function tryDraw(name: string, shape: keyof typeof SHAPES, rng: Rng): GeneratedWorld | null {
  const [balancers, count] = [whole(rng, SHAPES[shape].balancers), whole(rng, SHAPES[shape].instances)];
  const latencyMs = pick(rng, [50, 100, 250, 800]);
  const graph = pick(rng, GRAPHS);
  const places = drawGraph(rng, graph, { balancers, instances: count, latencyMs });
  const { models, traits } = drawModels(rng, count, latencyMs);
  // As Zipf has it: the second site has half of what the first has.
  const parts = places.balancers.map((_, b) => 1 / (1 + b) ** (balancers > 20 ? 0.3 : 0.7));
  const tightness = uniform(rng, 0.4, 0.95);
  const perUnit = worldTightness({ places, models, latencyMs, loads: parts });
  if (!(perUnit > 0 && perUnit < FOREVER)) return null;
  const unit = tightness / perUnit;
  const rates = parts.map((part) => part * unit);
  const totalRate = rates.reduce((sum, rate) => sum + rate, 0);
  const each = totalRate / balancers;
  if (each < RATE.min || each > SHAPES[shape].rateMax || totalRate > TOTAL_RATE_MAX || totalRate < 5) return null;
  const durationMs = Math.min(DURATION_MS.max, Math.max(DURATION_MS.min, (1_000 * REQUESTS) / totalRate));
  const arrivals = drawClients(rng, { places, rates, durationMs });
  const changes = drawChanges(rng, { places, durationMs });
  return assemble({
    name,
    latencyMs,
    durationMs,
    steadyFromMs: durationMs / 3,
    places,
    models,
    clients: arrivals.clients,
    events: changes.events,
    traits: [shape, graph, ...traits, ...arrivals.traits, ...changes.traits],
    tightness,
    ...(rng.next() < 0.5 ? { connections: { handshakeRtts: 1, idleMs: 4_000, warm: 0 } } : {}),
  });
}

// ---- where nodes stand ----

interface GraphSize {
  readonly balancers: number;
  readonly instances: number;
  readonly latencyMs: number;
}

/** Round trips by hops; the ends of the graph are up to 0.3 to 1.2 of the limit apart. */
function drawGraph(rng: Rng, graph: (typeof GRAPHS)[number], { balancers, instances, latencyMs }: GraphSize): Places {
  const count = balancers + instances;
  const at = Array.from({ length: count }, () => rng.next());
  const cluster = at.map((place) => Math.floor(4 * place));
  const spread = uniform(rng, 0.3, 1.2);
  const hops = (a: number, b: number): number => {
    const [x, y] = [at[a] as number, at[b] as number];
    switch (graph) {
      case 'star':
        return (x + y) / 2;
      case 'line':
        return Math.abs(x - y);
      case 'ring':
        return 2 * Math.min(Math.abs(x - y), 1 - Math.abs(x - y));
      case 'clusters':
        return cluster[a] === cluster[b] ? 0.1 : 0.4 + 0.15 * Math.abs((cluster[a] as number) - (cluster[b] as number));
    }
  };
  const rttMs = at.map((_, a) =>
    at.map((_, b) => Number((latencyMs * (a === b ? 0.005 : 0.01 + spread * hops(a, b))).toPrecision(4))),
  );
  const all = at.map((_, n) => n);
  return {
    nodes: all.map((n) => `n${n + 1}`),
    rttMs,
    balancers: all.slice(0, balancers),
    instances: all.slice(balancers),
  };
}

// ---- instances ----

function drawModels(rng: Rng, count: number, latencyMs: number): { models: InstanceModel[]; traits: string[] } {
  const workMs = latencyMs / logUniform(rng, 4, 25);
  const cores = pick(rng, [1, 1, 2, 4, 8]);
  const beside = pick(rng, [0, 0, 0.1, 0.25]);
  const pauses = rng.next() < 0.2;
  const jobs = pick(rng, [8, 32, 256]);
  const base: InstanceModel = {
    ...PLAIN_MODEL,
    discipline: pick(rng, ['processor-sharing', 'fifo']),
    cores,
    workMeanMs: workMs,
    workCv: pick(rng, [0.1, 0.7, 1.5, 2.5]),
    overheadFixedMs: 0.01 * latencyMs,
    overheadMeanMs: beside * latencyMs,
    jobsMax: cores * jobs,
    // As a collection of garbage.
    stallEveryMs: pauses ? 40 * latencyMs : FOREVER,
    stallMs: pauses ? 0.5 * latencyMs : 0,
  };
  const unlike = rng.next() < 0.5;
  const models = Array.from({ length: count }, () => ({
    ...base,
    workMeanMs: Number((workMs * (unlike ? logUniform(rng, 0.5, 2) : 1)).toPrecision(4)),
  }));
  const traits = [base.discipline, cores > 1 ? 'cores' : '', `cv ${base.workCv}`, beside > 0 ? 'beside' : ''];
  return {
    models,
    traits: [...traits, pauses ? 'pauses' : '', jobs === 8 ? 'short queues' : '', unlike ? 'unlike' : ''].filter(
      Boolean,
    ),
  };
}

// ---- clients ----

interface Arrivals {
  readonly places: Places;
  readonly rates: readonly number[];
  readonly durationMs: number;
}

function drawClients(rng: Rng, { places, rates, durationMs }: Arrivals): { clients: ClientGroup[]; traits: string[] } {
  const kind = pick(rng, ['steady', 'levels', 'levels', 'visitors'] as const);
  const sizes = rng.next() < 0.3;
  const pattern = pick(rng, ['periodic', 'poisson', 'poisson'] as const);
  // All of a site together: one chain of Markov for each, or one for all.
  const common = rng.next() < 0.5;
  const shared = levels(rng, durationMs);
  const clients = rates.flatMap((rate, b): ClientGroup[] => {
    const group = { ...PLAIN_CLIENTS, pattern, on: [places.nodes[places.balancers[b] as number] as string] };
    const each = 1 + Math.floor(3 * rng.next());
    const spells = common ? shared : levels(rng, durationMs);
    const usual = kind === 'steady' ? [{ ...group, each, ratePerSecond: rate / each }] : [];
    const calm = { ...group, each, ratePerSecond: (0.7 * rate) / each };
    // 1.6 times the mean a third of the time, in all 0.7 + 0.9 / 3.
    const more = spells.map((spell) => ({ ...group, ...spell, each, ratePerSecond: (0.9 * rate) / each }));
    const visitors = Array.from({ length: 6 }, () => {
      const fromMs = uniform(rng, -0.3, 0.9) * durationMs;
      const untilMs = fromMs + 0.3 * durationMs;
      return { ...group, each: 1, ratePerSecond: 0.25 * rate, fromMs: Math.max(0, fromMs), untilMs };
    });
    const all = { steady: usual, levels: [calm, ...more], visitors: [calm, ...visitors] }[kind];
    return sizes ? all.flatMap(bySize) : all;
  });
  return { clients, traits: [pattern, kind, sizes ? 'sizes' : ''].filter(Boolean) };
}

/** One request in eight is as much work as eight of the others, the mean as before: a group for each size. */
function bySize(group: ClientGroup): ClientGroup[] {
  const small = 8 / 15;
  return [
    { ...group, ratePerSecond: (group.ratePerSecond * 7) / 8, workFactor: small },
    { ...group, ratePerSecond: group.ratePerSecond / 8, workFactor: 8 * small },
  ];
}

/** Spells of the high level: a third of the time, 5 to 20 s each on average. */
function levels(rng: Rng, durationMs: number): { fromMs: number; untilMs: number }[] {
  const meanMs = uniform(rng, 5_000, 20_000);
  const spells = [];
  for (let fromMs = exponential(rng, 2 * meanMs); fromMs < durationMs; ) {
    const untilMs = fromMs + exponential(rng, meanMs);
    spells.push({ fromMs, untilMs });
    fromMs = untilMs + exponential(rng, 2 * meanMs);
  }
  return spells;
}

// ---- nodes ----

function drawChanges(
  rng: Rng,
  { places, durationMs }: { places: Places; durationMs: number },
): { events: ScenarioEvent[]; traits: string[] } {
  const count = places.instances.length;
  const names = places.instances.map((_, i) => `i${i + 1}`);
  const kind = pick(rng, ['none', 'none', 'rack', 'warm-up', 'come and go'] as const);
  const events: ScenarioEvent[] = [];
  if (kind === 'rack') {
    // All of a rack slow down together, again and again.
    const rack = sample(rng, names, Math.max(1, Math.round(count / 3)));
    const factor = uniform(rng, 1.3, 3);
    for (const { fromMs, untilMs } of levels(rng, durationMs))
      for (const instance of rack)
        events.push({ kind: 'slow', instance, factor, atMs: fromMs, forMs: untilMs - fromMs });
  }
  if (kind === 'warm-up') for (const name of names) events.push(...warmUp(name, uniform(rng, 0, 0.5) * durationMs));
  if (kind === 'come and go') {
    for (const [n, name] of sample(rng, names, Math.max(1, Math.floor(count / 3))).entries()) {
      const atMs = uniform(rng, 0.3, 0.7) * durationMs;
      const joinMs = atMs + uniform(rng, 2_000, 30_000);
      const node = places.nodes[places.instances[names.indexOf(name)] as number] as string;
      events.push({ kind: 'leave', instance: name, atMs, graceMs: 2_000 });
      events.push({ kind: 'join', instance: `j${n + 1}`, node, atMs: joinMs }, ...warmUp(`j${n + 1}`, joinMs));
    }
  }
  return { events, traits: kind === 'none' ? [] : [kind] };
}

/** Three times as slow at first, as one that begins with empty caches: by halves of what is left. */
function warmUp(instance: string, atMs: number): ScenarioEvent[] {
  return [2_000, 5_000, 12_000].map((forMs) => ({ kind: 'slow', instance, factor: 1.45, atMs, forMs }));
}

function whole(rng: Rng, [low, high]: readonly [number, number]): number {
  return Math.round(logUniform(rng, low, high));
}
