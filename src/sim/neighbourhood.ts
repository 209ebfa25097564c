// Load balancers that send their neighbours what they saw, over a broker: each says it every so often, those near by hear it a little
// later or not at all, and one that starts again hears at once what was said last. A liar says of one instance what is not so.

import { BUCKETS, bucketOf } from '../core/neighbours/histogram.ts';
import { Saying } from '../core/neighbours/saying.ts';
import type { Summary } from '../core/neighbours/summary.ts';
import type { Rng } from '../core/rng.ts';
import type { Balancers } from './balancers.ts';
import { type Agenda, EVENT } from './events/agenda.ts';
import { createStream, uniform } from './random.ts';
import type { NeighboursSpec } from './scenario.ts';
import type { World } from './world/world.ts';

export interface NeighbourhoodOptions {
  readonly world: World;
  readonly spec: NeighboursSpec;
  readonly agenda: Agenda;
  readonly balancers: Balancers;
  readonly stages: number;
  readonly seed: number;
}

/** What starts says nothing for so long. */
const SILENT_MS = 2_000;
/** A broker forgets what was said so long ago. */
const RETAINED_MS = 10_000;
const LIES = 100;

interface Said {
  readonly from: number;
  readonly stage: number;
  readonly atMs: number;
  readonly summary: Summary;
}

interface Message {
  readonly to: number;
  readonly said: Said;
}

export class Neighbourhood {
  readonly #options: NeighbourhoodOptions;
  readonly #rng: Rng;
  /** The load balancers that each one hears. */
  readonly #heard: readonly (readonly number[])[];
  /** The load balancers that hear each one. */
  readonly #hearers: readonly (readonly number[])[];
  /** What was said last, indexed by place. */
  readonly #retained: (Said | undefined)[] = [];
  /** Indexed by place. */
  readonly #sayings: readonly Saying[];
  readonly #messages = new Map<number, Message>();
  #nextMessage = 0;

  constructor(options: NeighbourhoodOptions) {
    const { world, spec, agenda, stages, seed } = options;
    this.#options = options;
    this.#rng = createStream(seed, 'neighbours');
    const all = world.balancers.map((_, b) => b);
    this.#heard = all.map((b) => nearest(world, b, spec.max));
    this.#hearers = all.map((b) => all.filter((other) => this.#heard[other]?.includes(b)));
    this.#sayings = Array.from({ length: all.length * stages }, () => new Saying());
    for (let place = 0; place < all.length * stages; place++)
      agenda.push((1 + this.#rng.next()) * SILENT_MS, EVENT.summary, place);
  }

  /** A load balancer looks whether to send what it saw since it last did. */
  send(place: number): void {
    const { agenda, balancers, stages, spec } = this.#options;
    agenda.push(agenda.nowMs + spec.everyMs, EVENT.summary, place);
    const from = Math.floor(place / stages);
    const stage = place % stages;
    const seen = balancers.at(from, stage).router.neighbours?.summarize(agenda.nowMs) ?? null;
    const due = this.#sayings[place]?.next(seen, agenda.nowMs) ?? null;
    if (due === null) return;
    const summary = spec.liars.includes(from) ? this.#lie(due) : due;
    const said: Said = { from, stage, atMs: agenda.nowMs, summary };
    if (due.isNews !== true) this.#retained[place] = said;
    for (const to of this.#hearers[from] ?? []) this.#send(to, said);
  }

  /** A message arrives. */
  arrive(id: number): void {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    this.#messages.delete(id);
    const { to, said } = message;
    const { agenda, balancers, world } = this.#options;
    const name = world.topology.nodes[world.balancers[said.from] as number] as string;
    balancers.at(to, said.stage).router.neighbours?.hear(name, said.summary, agenda.nowMs);
  }

  /** Load balancers that started again subscribe, and hear what is retained. */
  rejoin(chosen: readonly number[]): void {
    const { agenda, balancers, stages } = this.#options;
    for (const to of chosen) {
      for (const from of this.#heard[to] ?? []) {
        for (let stage = 0; stage < stages; stage++) {
          const said = this.#retained[balancers.placeOf(from, stage)];
          if (said !== undefined && agenda.nowMs - said.atMs <= RETAINED_MS) this.#send(to, said);
        }
      }
    }
  }

  #send(to: number, said: Said): void {
    const { agenda, spec } = this.#options;
    const lost = this.#rng.next() < spec.lossRatio;
    const takesMs = spec.delayMs * uniform(this.#rng, 0.5, 1.5);
    if (lost) return;
    this.#messages.set(this.#nextMessage, { to, said });
    agenda.push(agenda.nowMs + takesMs, EVENT.hear, this.#nextMessage++);
  }

  #lie(summary: Summary): Summary {
    const { world, spec } = this.#options;
    const at = world.instances.find(({ id }) => id === spec.liedAbout);
    if (at === undefined) return summary;
    const key = `${world.topology.nodes[at.node]}/${at.id}`;
    const counts = Array.from({ length: BUCKETS }, (_, b) => (b === bucketOf(spec.liedMs) ? LIES : 0));
    const lie = { key, counts, failures: 0, perSecond: LIES, inFlight: 0 };
    return { ...summary, instances: [...summary.instances.filter((one) => one.key !== key), lie] };
  }
}

/** The nearest other load balancers. */
function nearest({ topology, balancers }: World, b: number, most: number): number[] {
  const { nodes, rttMs } = topology;
  const here = balancers[b] as number;
  const distance = (other: number): number => rttMs[here * nodes.length + (balancers[other] as number)] as number;
  return balancers
    .map((_, other) => other)
    .filter((other) => other !== b && distance(other) < Number.POSITIVE_INFINITY)
    .sort((x, y) => distance(x) - distance(y))
    .slice(0, most);
}
