// The simulation: clients → load balancer → network → instance → back, in virtual time, with the very router that routes for real.
//
//   emit ─ route, start ─▶ (½ RTT) arrive ─▶ server … done ─▶ (overhead + ½ RTT) reply ─ finish, settle
//
// One seed gives one run, to the last bit: every purpose draws from a random stream of its own, so that two policies meet the same
// clients, the same jitter sequence and the same faults.

import type { Candidate, Instance, PlacementUpdate, RequestInfo, TryResult } from '../core/domain.ts';
import { instanceKey } from '../core/domain.ts';
import type { Rng } from '../core/rng.ts';
import type { RouterSnapshot, ServiceRouter } from '../core/service-router.ts';
import { createEventQueue } from './event-queue.ts';
import { createStream, exponential, uniform } from './random.ts';
import { Recorder } from './recorder.ts';
import type { Scenario } from './scenario.ts';
import { Site } from './site.ts';
import { NO_SLOT, type TrySlot, TryTable } from './try-table.ts';
import type { Change, World, WorldClient } from './world.ts';

/** What the simulation needs of a router; the core's own has it all. */
export type DrivenRouter = Pick<
  ServiceRouter,
  | 'route'
  | 'start'
  | 'finish'
  | 'settle'
  | 'applyPlacement'
  | 'observeRtt'
  | 'tick'
  | 'nextTickMs'
  | 'candidates'
  | 'snapshot'
  | 'restore'
>;

export interface RouterRequest {
  readonly balancer: number;
  readonly nodeId: string;
  readonly rng: Rng;
  readonly nowMs: number;
}

export interface SimulationOptions {
  readonly scenario: Scenario;
  readonly world: World;
  readonly seed: number;
  /** Makes the router of one load balancer; called again when it restarts. */
  readonly createRouter: (request: RouterRequest) => DrivenRouter;
  /** Told of every change of the world as it happens; for an oracle. */
  readonly onChange?: (change: Change, nowMs: number) => void;
  /** Called about once per simulated second with the share that is done. */
  readonly onProgress?: (ratio: number) => void;
}

/** Runs one policy through one world. */
export function runSimulation(options: SimulationOptions): Recorder {
  return new Simulation(options).run();
}

export const SERVICE = 'service';

/** Event codes: the kind in the low bits, its subject above. */
const KIND_BITS = 4;
const KIND_MASK = 2 ** KIND_BITS - 1;
const EMIT = 0;
const ARRIVE = 1;
const COMPLETE = 2;
const REPLY = 3;
const TICK = 4;
const PROBE = 5;
const CHANGE = 6;
const PLACEMENT = 7;
const STALL = 8;
const STALL_END = 9;
const TIMEOUT = 10;
const PROGRESS = 11;

/** A try's result as a small integer. */
const RESULTS: readonly TryResult[] = ['answered', 'failed', 'refused'];
const ANSWERED = 0;
const FAILED = 1;
const REFUSED = 2;

interface Balancer {
  readonly nodeId: string;
  readonly node: number;
  router: DrivenRouter;
  epoch: number;
  /** Of the tick event that waits; +Infinity when none does. */
  tickMs: number;
  kept: RouterSnapshot | null;
  /** Instance of each of the router's handles. */
  readonly byHandle: number[];
  /** Instances that placement has announced to it and not withdrawn. */
  readonly known: Set<number>;
}

/** A change of placement on its way to one load balancer. */
interface PlacementMessage {
  readonly balancer: number;
  readonly instance: number;
  readonly update: PlacementUpdate;
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #queue = createEventQueue();
  readonly #tries = new TryTable();
  readonly #recorder: Recorder;
  readonly #sites: Site[];
  readonly #instances: readonly Instance[];
  readonly #indexByKey = new Map<string, number>();
  readonly #balancers: Balancer[];
  readonly #clients: readonly WorldClient[];
  readonly #network: Rng;
  readonly #emissions: Rng;
  readonly #placements: PlacementMessage[] = [];
  readonly #request: { clientId: string; budgetMs: number; attempt: number; tried: number[] };
  readonly #tried: number[] = [];
  readonly #untried: number[] = [];
  #timeoutScheduled = false;
  #nowMs = 0;

  constructor(options: SimulationOptions) {
    const { scenario, world, seed } = options;
    this.#options = options;
    this.#scenario = scenario;
    this.#world = world;
    this.#clients = world.clients;
    this.#recorder = new Recorder({
      seconds: Math.ceil(scenario.durationMs / 1_000),
      clients: world.clients.length,
      instances: world.instances.length,
      balancers: world.balancers.length,
    });
    this.#network = createStream(seed, 'network');
    this.#emissions = createStream(seed, 'emissions');
    this.#sites = world.instances.map(({ model }, i) => new Site(model, createStream(seed, 'instance', i)));
    this.#instances = world.instances.map(({ id, node }, i) => ({
      service: SERVICE,
      nodeId: world.topology.nodes[node] as string,
      id,
      scheme: 'http',
      host: '192.0.2.1',
      port: 1 + i,
      labels: {},
      profile: null,
    }));
    for (const [i, instance] of this.#instances.entries()) this.#indexByKey.set(instanceKey(instance), i);
    this.#request = { clientId: '', budgetMs: scenario.qos.latencyMs, attempt: 0, tried: this.#untried };
    this.#balancers = world.balancers.map((node, b) => this.#createBalancer(node, b));
  }

  run(): Recorder {
    this.#schedule();
    const queue = this.#queue;
    // What is under way at the end may still end; nothing new begins.
    const endMs = this.#scenario.durationMs + this.#scenario.network.timeoutMs;
    while (queue.pop() && queue.timeMs <= endMs) {
      this.#nowMs = queue.timeMs;
      this.#handle(queue.code & KIND_MASK, queue.code >>> KIND_BITS);
    }
    for (let slot = this.#tries.oldest; slot !== NO_SLOT; slot = this.#tries.oldest) this.#giveUp(slot);
    return this.#recorder;
  }

  #push(atMs: number, kind: number, subject: number): void {
    if (atMs < Number.POSITIVE_INFINITY) this.#queue.push(atMs, (subject << KIND_BITS) | kind);
  }

  #handle(kind: number, subject: number): void {
    switch (kind) {
      case EMIT:
        this.#emit(subject);
        break;
      case ARRIVE:
        this.#arrive(subject);
        break;
      case COMPLETE:
        this.#complete(subject);
        break;
      case REPLY:
        this.#reply(subject);
        break;
      case TICK:
        this.#tick(subject);
        break;
      case PROBE:
        this.#probe(subject);
        break;
      case CHANGE:
        this.#change(subject);
        break;
      case PLACEMENT:
        this.#place(subject);
        break;
      case STALL:
        this.#stall(subject);
        break;
      case STALL_END:
        this.#endStall(subject);
        break;
      case TIMEOUT:
        this.#timeOut();
        break;
      case PROGRESS:
        this.#progress();
        break;
    }
  }

  // ---- before the first request ----

  #schedule(): void {
    for (const [c, { firstMs, untilMs }] of this.#clients.entries())
      if (firstMs < untilMs) this.#push(firstMs, EMIT, c);
    for (const [i, { change, atMs }] of this.#world.timeline.entries()) {
      if (change.kind !== 'up' || atMs > 0) this.#push(atMs, CHANGE, i);
    }
    const phases = createStream(this.#options.seed, 'phases');
    for (const b of this.#balancers.keys()) this.#push(phases.next() * this.#scenario.network.probeMs, PROBE, b);
    for (const [i, { fromStart }] of this.#world.instances.entries()) {
      const site = this.#siteAt(i);
      site.up = fromStart;
      if (site.model.stallEveryMs < Number.POSITIVE_INFINITY) this.#push(site.nextStallInMs(), STALL, i);
    }
    this.#push(1_000, PROGRESS, 0);
  }

  #createBalancer(node: number, b: number): Balancer {
    const nodeId = this.#world.topology.nodes[node] as string;
    const known = this.#world.instances.flatMap(({ fromStart }, i) => (fromStart ? [i] : []));
    const router = this.#createRouter(b, nodeId, 0);
    const balancer: Balancer = {
      nodeId,
      node,
      router,
      epoch: 0,
      tickMs: Number.POSITIVE_INFINITY,
      kept: null,
      byHandle: [],
      known: new Set(known),
    };
    this.#introduce(balancer, b);
    return balancer;
  }

  #createRouter(balancer: number, nodeId: string, epoch: number): DrivenRouter {
    const rng = createStream(this.#options.seed, `router ${epoch}`, balancer);
    return this.#options.createRouter({ balancer, nodeId, rng, nowMs: this.#nowMs });
  }

  /** A fresh router learns what its node knows: who is there and how far. */
  #introduce(balancer: Balancer, b: number): void {
    for (const i of balancer.known) {
      balancer.router.applyPlacement({ kind: 'instance-set', instance: this.#instanceAt(i) }, this.#nowMs);
    }
    this.#mapHandles(balancer);
    this.#measureRtts(balancer);
    this.#scheduleTick(balancer, b);
  }

  #mapHandles({ router, byHandle }: Balancer): void {
    for (const { handle, key } of router.candidates) byHandle[handle] = this.#indexByKey.get(key) as number;
  }

  // ---- a request ----

  #emit(c: number): void {
    const client = this.#clients[c] as WorldClient;
    const gapMs = client.pattern === 'periodic' ? client.periodMs : exponential(this.#emissions, client.periodMs);
    if (this.#nowMs + gapMs < client.untilMs) this.#push(this.#nowMs + gapMs, EMIT, c);
    this.#send(c, this.#nowMs, 0, -1);
  }

  /** `avoid` is the handle that was tried before, -1 for none. */
  #send(c: number, emittedMs: number, attempt: number, avoid: number): void {
    const client = this.#clients[c] as WorldClient;
    const balancer = this.#balancers[client.balancer] as Balancer;
    const request = this.#request;
    request.clientId = client.id;
    request.budgetMs = Math.max(0, this.#scenario.qos.latencyMs - (this.#nowMs - emittedMs));
    request.attempt = attempt;
    request.tried = avoid < 0 ? this.#untried : this.#tried;
    this.#tried[0] = avoid;
    const candidate = balancer.router.route(request as RequestInfo, this.#nowMs);
    if (candidate === null) this.#settle(c, emittedMs, 'noInstance');
    else this.#startTry(c, emittedMs, attempt, candidate);
    this.#scheduleTick(balancer, client.balancer);
  }

  #startTry(c: number, emittedMs: number, attempt: number, candidate: Candidate): void {
    const b = (this.#clients[c] as WorldClient).balancer;
    const balancer = this.#balancers[b] as Balancer;
    const instance = balancer.byHandle[candidate.handle] as number;
    const tries = this.#tries;
    const slot = tries.take(this.#nowMs);
    const wayMs = this.#drawRttMs(balancer.node, instance) / 2;
    tries.client[slot] = c;
    tries.instance[slot] = instance;
    tries.handle[slot] = candidate.handle;
    tries.epoch[slot] = balancer.epoch;
    tries.attempt[slot] = attempt;
    tries.emittedMs[slot] = emittedMs;
    tries.returnMs[slot] = wayMs;
    tries.ticket[slot] = balancer.router.start(candidate, this.#nowMs);
    this.#recorder.routedTo(b, instance);
    this.#push(this.#nowMs + wayMs, ARRIVE, slot);
    if (!this.#timeoutScheduled) this.#scheduleTimeout();
  }

  #arrive(slot: TrySlot): void {
    const tries = this.#tries;
    const i = tries.instance[slot] as number;
    const site = this.#siteAt(i);
    this.#recorder.arrived(i, this.#nowMs);
    tries.arrivedMs[slot] = this.#nowMs;
    if (!site.up) this.#answer(slot, REFUSED, 0);
    else if (site.drawsError() || !site.server.enter(slot, site.drawWorkMs(), this.#nowMs)) {
      this.#answer(slot, FAILED, site.drawOverheadMs());
    } else this.#scheduleCompletion(i);
  }

  #complete(i: number): void {
    const site = this.#siteAt(i);
    if (this.#nowMs !== site.scheduledMs) return;
    site.scheduledMs = Number.NaN;
    for (let slot = site.server.takeDone(this.#nowMs); slot >= 0; slot = site.server.takeDone(this.#nowMs)) {
      const overheadMs = site.drawOverheadMs();
      this.#recorder.processed(i, this.#nowMs + overheadMs - (this.#tries.arrivedMs[slot] as number));
      this.#answer(slot, ANSWERED, overheadMs);
    }
    this.#scheduleCompletion(i);
  }

  /** Sends the answer on its way; an instance that hung up on the client's side still worked for it. */
  #answer(slot: TrySlot, result: number, afterMs: number): void {
    const tries = this.#tries;
    tries.result[slot] = result;
    if (tries.abandoned[slot] === 1) tries.release(slot);
    else this.#push(this.#nowMs + afterMs + (tries.returnMs[slot] as number), REPLY, slot);
  }

  #reply(slot: TrySlot): void {
    if (this.#tries.abandoned[slot] === 1) this.#tries.release(slot);
    else this.#conclude(slot);
  }

  #conclude(slot: TrySlot): void {
    const tries = this.#tries;
    const c = tries.client[slot] as number;
    const emittedMs = tries.emittedMs[slot] as number;
    const attempt = tries.attempt[slot] as number;
    const handle = tries.handle[slot] as number;
    const result = tries.result[slot] as number;
    const sameLife = this.#finish(slot, RESULTS[result] as TryResult);
    tries.release(slot);
    if (result === ANSWERED) {
      const latencyMs = this.#nowMs - emittedMs;
      this.#recorder.answered(latencyMs);
      this.#settle(c, emittedMs, latencyMs <= this.#scenario.qos.latencyMs ? 'success' : 'late');
    } else if (result === REFUSED && attempt < this.#scenario.network.retries) {
      this.#send(c, emittedMs, attempt + 1, sameLife ? handle : -1);
    } else {
      this.#settle(c, emittedMs, result === REFUSED ? 'refused' : 'failed');
    }
  }

  /** Tells the router that sent it, unless that one is gone: false then. */
  #finish(slot: TrySlot, result: TryResult): boolean {
    const tries = this.#tries;
    const balancer = this.#balancerOf(tries.client[slot] as number);
    if (tries.epoch[slot] !== balancer.epoch) return false;
    const latencyMs = this.#nowMs - (tries.startMs[slot] as number);
    balancer.router.finish(tries.ticket[slot] as number, result, latencyMs, this.#nowMs);
    return true;
  }

  #settle(c: number, emittedMs: number, ending: keyof Recorder['endings']): void {
    const success = ending === 'success';
    this.#balancerOf(c).router.settle((this.#clients[c] as WorldClient).id, success, this.#nowMs);
    this.#recorder.settled(c, emittedMs, ending);
  }

  // ---- time limits ----

  #scheduleTimeout(): void {
    const oldest = this.#tries.oldest;
    this.#timeoutScheduled = oldest !== NO_SLOT;
    if (oldest === NO_SLOT) return;
    this.#push((this.#tries.startMs[oldest] as number) + this.#scenario.network.timeoutMs, TIMEOUT, 0);
  }

  #timeOut(): void {
    const { timeoutMs } = this.#scenario.network;
    for (let slot = this.#tries.oldest; slot !== NO_SLOT; slot = this.#tries.oldest) {
      // The very sum that the event was scheduled by, so that rounding cannot keep it waiting for ever.
      if ((this.#tries.startMs[slot] as number) + timeoutMs > this.#nowMs) break;
      this.#giveUp(slot);
    }
    this.#scheduleTimeout();
  }

  #giveUp(slot: TrySlot): void {
    this.#finish(slot, 'timeout');
    this.#settle(this.#tries.client[slot] as number, this.#tries.emittedMs[slot] as number, 'timeout');
    this.#tries.abandon(slot);
  }

  // ---- load balancers ----

  #tick(b: number): void {
    const balancer = this.#balancers[b] as Balancer;
    if (balancer.tickMs !== this.#nowMs) return;
    balancer.tickMs = Number.POSITIVE_INFINITY;
    balancer.router.tick(this.#nowMs);
    this.#scheduleTick(balancer, b);
  }

  #scheduleTick(balancer: Balancer, b: number): void {
    const nextMs = balancer.router.nextTickMs;
    if (nextMs >= balancer.tickMs) return;
    balancer.tickMs = Math.max(nextMs, this.#nowMs);
    this.#push(balancer.tickMs, TICK, b);
  }

  #probe(b: number): void {
    this.#measureRtts(this.#balancers[b] as Balancer);
    this.#push(this.#nowMs + this.#scenario.network.probeMs, PROBE, b);
  }

  #measureRtts({ router, node, known }: Balancer): void {
    for (const i of known) {
      const rttMs = this.#drawRttMs(node, i);
      if (rttMs < Number.POSITIVE_INFINITY) router.observeRtt(this.#instanceAt(i).nodeId, rttMs, this.#nowMs);
    }
  }

  #drawRttMs(node: number, i: number): number {
    const { rttMs, nodes } = this.#world.topology;
    const base = rttMs[node * nodes.length + (this.#world.instances[i]?.node as number)] as number;
    return base + this.#siteAt(i).linkMs + exponential(this.#network, this.#scenario.network.jitterMs);
  }

  #place(p: number): void {
    const { balancer: b, instance, update } = this.#placements[p] as PlacementMessage;
    const balancer = this.#balancers[b] as Balancer;
    balancer.router.applyPlacement(update, this.#nowMs);
    if (update.kind === 'instance-removed') balancer.known.delete(instance);
    else {
      balancer.known.add(instance);
      const rttMs = this.#drawRttMs(balancer.node, instance);
      if (rttMs < Number.POSITIVE_INFINITY) {
        balancer.router.observeRtt(this.#instanceAt(instance).nodeId, rttMs, this.#nowMs);
      }
    }
    this.#mapHandles(balancer);
    this.#scheduleTick(balancer, b);
  }

  /** A placement message goes out and reaches each load balancer in its own time. */
  #broadcast(instance: number, update: PlacementUpdate): void {
    const { placementMs } = this.#scenario.network;
    for (const b of this.#balancers.keys()) {
      this.#placements.push({ balancer: b, instance, update });
      this.#push(this.#nowMs + placementMs * uniform(this.#network, 0.5, 1.5), PLACEMENT, this.#placements.length - 1);
    }
  }

  // ---- the timeline ----

  #change(index: number): void {
    const { change } = this.#world.timeline[index] as World['timeline'][number];
    this.#apply(change);
    this.#options.onChange?.(change, this.#nowMs);
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'keep':
        for (const b of change.balancers) this.#keep(this.#balancers[b] as Balancer);
        return;
      case 'restart':
        for (const b of change.balancers) this.#restart(b, change.state, change.ageMs);
        return;
      case 'announce':
        this.#broadcast(change.instance, { kind: 'instance-set', instance: this.#instanceAt(change.instance) });
        return;
      case 'withdraw': {
        const key = instanceKey(this.#instanceAt(change.instance));
        this.#broadcast(change.instance, { kind: 'instance-removed', key });
        return;
      }
      default:
        this.#applyToSite(change, this.#siteAt(change.instance));
        this.#scheduleCompletion(change.instance);
    }
  }

  #applyToSite(change: Exclude<Change, { kind: 'keep' | 'restart' | 'announce' | 'withdraw' }>, site: Site): void {
    switch (change.kind) {
      case 'up':
        site.up = true;
        return;
      case 'down':
        site.up = false;
        // Whoever was inside has the connection reset.
        for (const slot of site.server.evict(this.#nowMs)) this.#answer(slot, REFUSED, 0);
        return;
      case 'freeze':
        site.freeze(1, this.#nowMs);
        return;
      case 'thaw':
        site.freeze(-1, this.#nowMs);
        return;
      case 'slow':
        site.slow(change.factor, this.#nowMs);
        return;
      case 'delay':
        site.delayMs += change.addMs;
        return;
      case 'link':
        site.linkMs += change.addMs;
        return;
      case 'errors':
        site.errorRatio += change.addRatio;
        return;
    }
  }

  #keep(balancer: Balancer): void {
    balancer.kept = balancer.router.snapshot(this.#nowMs);
  }

  #restart(b: number, state: 'warm' | 'cold', ageMs: number): void {
    const balancer = this.#balancers[b] as Balancer;
    balancer.epoch++;
    balancer.byHandle.length = 0;
    balancer.tickMs = Number.POSITIVE_INFINITY;
    balancer.router = this.#createRouter(b, balancer.nodeId, balancer.epoch);
    this.#introduce(balancer, b);
    if (state === 'warm' && balancer.kept !== null) balancer.router.restore(balancer.kept, ageMs, this.#nowMs);
    this.#scheduleTick(balancer, b);
  }

  #stall(i: number): void {
    const site = this.#siteAt(i);
    site.freeze(1, this.#nowMs);
    this.#push(this.#nowMs + site.model.stallMs, STALL_END, i);
    this.#push(this.#nowMs + site.model.stallMs + site.nextStallInMs(), STALL, i);
  }

  #endStall(i: number): void {
    this.#siteAt(i).freeze(-1, this.#nowMs);
    this.#scheduleCompletion(i);
  }

  /** Sees to it that an event waits no later than the next completion. One that comes too early looks again. */
  #scheduleCompletion(i: number): void {
    const site = this.#siteAt(i);
    const nextMs = site.server.nextDoneMs();
    if (nextMs >= site.scheduledMs || nextMs === Number.POSITIVE_INFINITY) return;
    site.scheduledMs = nextMs;
    this.#push(nextMs, COMPLETE, i);
  }

  #progress(): void {
    if (this.#nowMs >= this.#scenario.durationMs) return;
    this.#options.onProgress?.(this.#nowMs / this.#scenario.durationMs);
    this.#push(this.#nowMs + 1_000, PROGRESS, 0);
  }

  #siteAt(i: number): Site {
    return this.#sites[i] as Site;
  }

  #instanceAt(i: number): Instance {
    return this.#instances[i] as Instance;
  }

  #balancerOf(c: number): Balancer {
    return this.#balancers[(this.#clients[c] as WorldClient).balancer] as Balancer;
  }
}
