// All load balancers: each drives a router of its own, hears of placement in its own time, measures round trips, takes its decision
// steps, and may start again.

import type { Instance, PlacementUpdate } from '../core/domain.ts';
import { instanceKey } from '../core/domain.ts';
import type { Rng } from '../core/rng.ts';
import type { RouterSnapshot, ServiceRouter } from '../core/service-router.ts';
import { type Agenda, EVENT } from './events/agenda.ts';
import { createStream, uniform } from './random.ts';
import type { NetworkSpec } from './scenario.ts';
import { instanceOf } from './world/instance.ts';
import type { Network } from './world/network.ts';
import type { World, WorldInstance } from './world/world.ts';

/** What the simulation needs of a router; the core's own has it all. */
export type DrivenRouter = Pick<
  ServiceRouter,
  | 'route'
  | 'start'
  | 'finish'
  | 'recordRequest'
  | 'observeGroup'
  | 'applyPlacement'
  | 'observeRtt'
  | 'tick'
  | 'nextTickMs'
  | 'candidates'
  | 'snapshot'
  | 'restore'
  | 'lastTier'
  | 'aim'
  | 'neighbours'
>;

/** What a router of the simulation is made for. */
export interface RouterRequest {
  readonly balancer: number;
  /** Stage of the chain; 0 where there is none. */
  readonly stage: number;
  readonly nodeId: string;
  readonly rng: Rng;
  readonly nowMs: number;
}

/** Makes the router of one load balancer; called again when it restarts. */
export type CreateRouter = (request: RouterRequest) => DrivenRouter;

export interface Balancer {
  /** Index of the load balancer in the world. */
  readonly balancer: number;
  /** Stage of the chain that its router serves. */
  readonly stage: number;
  readonly nodeId: string;
  readonly node: number;
  router: DrivenRouter;
  /** Which of its lives it is in. */
  epoch: number;
  /** Time of the tick event that waits; +Infinity when none does. */
  tickMs: number;
  kept: RouterSnapshot | null;
  /** Instance of each of the router's handles. */
  readonly byHandle: number[];
  /** Instances that placement has announced to it and not withdrawn. */
  readonly known: Set<number>;
}

/** A change of placement on its way to one load balancer. */
interface PlacementMessage {
  readonly place: number;
  readonly instance: number;
  readonly update: PlacementUpdate;
}

export interface BalancersOptions {
  readonly world: World;
  readonly seed: number;
  readonly spec: NetworkSpec;
  readonly agenda: Agenda;
  readonly network: Network;
  readonly createRouter: CreateRouter;
  /** Services in a chain, each with a router of its own in each load balancer. */
  readonly stages: number;
}

export class Balancers {
  readonly #options: BalancersOptions;
  readonly #agenda: Agenda;
  readonly #instances: readonly Instance[];
  readonly #indexByKey = new Map<string, number>();
  /** Balancers, indexed by load balancer and stage. */
  readonly #balancers: readonly Balancer[];
  readonly #messages: PlacementMessage[] = [];
  /** No message goes out before this. */
  #placementFromMs = 0;

  constructor(options: BalancersOptions) {
    const { world, seed, spec, agenda } = options;
    this.#options = options;
    this.#agenda = agenda;
    this.#instances = world.instances.map((_, i) => instanceOf(world, i));
    for (const [i, instance] of this.#instances.entries()) this.#indexByKey.set(instanceKey(instance), i);
    this.#balancers = world.balancers.flatMap((_, b) =>
      Array.from({ length: options.stages }, (_, stage) => this.#createBalancer(b, stage)),
    );
    const phases = createStream(seed, 'phases');
    for (const place of this.#balancers.keys()) agenda.push(phases.next() * spec.probeMs, EVENT.probe, place);
  }

  at(b: number, stage = 0): Balancer {
    return this.#balancers[this.placeOf(b, stage)] as Balancer;
  }

  /** What the events of a load balancer's stage name it by. */
  placeOf(b: number, stage: number): number {
    return b * this.#options.stages + stage;
  }

  // ---- decision steps ----

  tick(place: number): void {
    const balancer = this.#balancers[place] as Balancer;
    // Another one was scheduled in its stead.
    if (balancer.tickMs !== this.#agenda.nowMs) return;
    balancer.tickMs = Number.POSITIVE_INFINITY;
    balancer.router.tick(this.#agenda.nowMs);
    this.scheduleTick(place);
  }

  /** Sees to it that an event waits for the router's next step. */
  scheduleTick(place: number): void {
    const balancer = this.#balancers[place] as Balancer;
    const nextMs = balancer.router.nextTickMs;
    if (nextMs >= balancer.tickMs) return;
    balancer.tickMs = Math.max(nextMs, this.#agenda.nowMs);
    this.#agenda.push(balancer.tickMs, EVENT.tick, place);
  }

  // ---- round trips ----

  probe(place: number): void {
    const balancer = this.#balancers[place] as Balancer;
    // What stands still for a moment is not measured; the next round comes soon enough.
    if (this.#options.network.waitMs(balancer.balancer, this.#agenda.nowMs) === 0) this.#measureRtts(balancer);
    this.#agenda.push(this.#agenda.nowMs + this.#options.spec.probeMs, EVENT.probe, place);
  }

  #measureRtts(balancer: Balancer): void {
    for (const i of balancer.known) this.#measureRtt(balancer, i);
  }

  #measureRtt({ router, node }: Balancer, i: number): void {
    const rttMs = this.#options.network.drawRttMs(node, i);
    if (rttMs === Number.POSITIVE_INFINITY) return;
    router.observeRtt(this.#instanceAt(i).nodeId, rttMs, this.#agenda.nowMs);
  }

  // ---- placement ----

  announce(i: number): void {
    this.#broadcast(i, { kind: 'instance-set', instance: this.#instanceAt(i) });
  }

  withdraw(i: number): void {
    this.#broadcast(i, { kind: 'instance-removed', key: instanceKey(this.#instanceAt(i)) });
  }

  /** The broker is away until then. */
  holdPlacement(untilMs: number): void {
    this.#placementFromMs = Math.max(this.#placementFromMs, untilMs);
  }

  /** A message goes out and reaches each load balancer in its own time. */
  #broadcast(instance: number, update: PlacementUpdate): void {
    const { spec, network } = this.#options;
    const { stage } = this.#options.world.instances[instance] as WorldInstance;
    for (const [place, balancer] of this.#balancers.entries()) {
      if (balancer.stage !== stage) continue;
      this.#messages.push({ place, instance, update });
      const sentMs = Math.max(this.#agenda.nowMs, this.#placementFromMs);
      this.#agenda.push(
        sentMs + spec.placementMs * uniform(network.rng, 0.5, 1.5),
        EVENT.placement,
        this.#messages.length - 1,
      );
    }
  }

  /** A message arrives. */
  place(message: number): void {
    const { place, instance, update } = this.#messages[message] as PlacementMessage;
    const balancer = this.#balancers[place] as Balancer;
    balancer.router.applyPlacement(update, this.#agenda.nowMs);
    if (update.kind === 'instance-removed') balancer.known.delete(instance);
    else {
      balancer.known.add(instance);
      this.#measureRtt(balancer, instance);
    }
    this.#mapHandles(balancer);
    this.scheduleTick(place);
  }

  // ---- lives ----

  /** Puts aside what they have learned, for a warm restart later. */
  keep(chosen: readonly number[]): void {
    for (const place of this.#placesOf(chosen)) {
      const balancer = this.#balancers[place] as Balancer;
      balancer.kept = balancer.router.snapshot(this.#agenda.nowMs);
    }
  }

  restart(chosen: readonly number[], { state, ageMs }: { state: 'warm' | 'cold'; ageMs: number }): void {
    for (const place of this.#placesOf(chosen)) {
      const balancer = this.#balancers[place] as Balancer;
      balancer.epoch++;
      balancer.byHandle.length = 0;
      balancer.tickMs = Number.POSITIVE_INFINITY;
      balancer.router = this.#createRouter(balancer);
      this.#introduce(balancer);
      if (state === 'warm' && balancer.kept !== null) balancer.router.restore(balancer.kept, ageMs, this.#agenda.nowMs);
      this.scheduleTick(place);
    }
  }

  #placesOf(chosen: readonly number[]): number[] {
    const { stages } = this.#options;
    return chosen.flatMap((b) => Array.from({ length: stages }, (_, stage) => this.placeOf(b, stage)));
  }

  #createBalancer(b: number, stage: number): Balancer {
    const { world, agenda } = this.#options;
    const node = world.balancers[b] as number;
    const nodeId = world.topology.nodes[node] as string;
    const router = this.#createRouter({ balancer: b, stage, nodeId, epoch: 0 });
    const balancer: Balancer = {
      balancer: b,
      stage,
      nodeId,
      node,
      router,
      epoch: 0,
      tickMs: Number.POSITIVE_INFINITY,
      kept: null,
      byHandle: [],
      known: new Set(world.instances.flatMap((one, i) => (one.fromStart && one.stage === stage ? [i] : []))),
    };
    this.#introduce(balancer);
    balancer.tickMs = router.nextTickMs;
    agenda.push(balancer.tickMs, EVENT.tick, this.placeOf(b, stage));
    return balancer;
  }

  #createRouter({
    balancer,
    stage,
    nodeId,
    epoch,
  }: Pick<Balancer, 'balancer' | 'stage' | 'nodeId' | 'epoch'>): DrivenRouter {
    const rng = createStream(this.#options.seed, `router ${epoch}`, this.placeOf(balancer, stage));
    return this.#options.createRouter({ balancer, stage, nodeId, rng, nowMs: this.#agenda.nowMs });
  }

  /** A fresh router learns what its node knows: which instances are there and how far. */
  #introduce(balancer: Balancer): void {
    for (const i of balancer.known) {
      balancer.router.applyPlacement({ kind: 'instance-set', instance: this.#instanceAt(i) }, this.#agenda.nowMs);
    }
    this.#mapHandles(balancer);
    this.#measureRtts(balancer);
  }

  #mapHandles({ router, byHandle }: Balancer): void {
    for (const { handle, key } of router.candidates) byHandle[handle] = this.#indexByKey.get(key) as number;
  }

  #instanceAt(i: number): Instance {
    return this.#instances[i] as Instance;
  }
}
