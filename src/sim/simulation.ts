// The simulation: clients → load balancer → network → instance → back, in virtual time, with the very router that routes for real.
//
//   emit ─ route, start ─▶ (½ RTT) arrive ─▶ server … done ─▶ (overhead + ½ RTT) reply ─ finish, end
//
// One seed gives one run, to the last bit: every purpose draws from a random stream of its own, so that two policies meet the same
// clients, the same jitter sequence and the same faults.
//
// Long because: one event loop of virtual time; its events are its methods.

import type { ChainSplit } from '../core/chain/stage-budgets.ts';
import { type Candidate, type Evidence, NO_HANDLE, type RequestEnding } from '../core/domain.ts';
import { readProfile } from '../core/profile.ts';
import type { AttributeShare } from '../core/requirements/requirements.ts';
import { TABLE, type Verdict } from '../core/verdict/table.ts';
import { type Balancer, Balancers, type CreateRouter } from './balancers.ts';
import { Emissions } from './emissions.ts';
import { Agenda, EVENT } from './events/agenda.ts';
import { type AttemptSlot, AttemptTable, NO_SLOT, type RequestUnderWay } from './instances/attempt-table.ts';
import { Connections } from './instances/connections.ts';
import { ANSWERED, REFUSED, Sites } from './instances/sites.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { createStream } from './random.ts';
import { Recorder } from './results/recorder.ts';
import type { Fits } from './results/requirement-counts.ts';
import type { Scenario } from './scenario.ts';
import { SimulatedChains } from './simulated-chains.ts';
import { AttributeTable } from './world/attribute-table.ts';
import type { Change, TimedChange } from './world/change.ts';
import { Network } from './world/network.ts';
import type { World, WorldClient } from './world/world.ts';

export interface SimulationOptions {
  readonly scenario: Scenario;
  readonly world: World;
  readonly seed: number;
  readonly createRouter: CreateRouter;
  /** How the goal of a chain is split; only where there is one. */
  readonly split?: ChainSplit;
  /** Called with every change of the world as it happens; for an oracle. */
  readonly onChange?: (change: Change, nowMs: number) => void;
  /** Called about once per simulated second with the share that is done. */
  readonly onProgress?: (ratio: number) => void;
}

/** Runs one policy through one world. */
export function runSimulation(options: SimulationOptions): Recorder {
  return new Simulation(options).run();
}

/** Verdicts, indexed by what a site answers. */
const VERDICTS: readonly Verdict[] = [TABLE.success, TABLE.failed, TABLE.refused];

const PROGRESS_MS = 1_000;

const NOT_TRIED: readonly number[] = [];

/** How a request as a whole ended. */
interface Ending {
  readonly emittedMs: number;
  readonly ending: keyof Recorder['endings'];
  /** Instance of its last attempt, in the router that is there now. */
  readonly handle: number;
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #agenda = new Agenda();
  readonly #attempts = new AttemptTable();
  readonly #recorder: Recorder;
  readonly #network: Network;
  readonly #sites: Sites;
  readonly #balancers: Balancers;
  /** Null: load balancers send one another nothing. */
  readonly #neighbourhood: Neighbourhood | null;
  readonly #connections: Connections;
  readonly #chains: SimulatedChains;
  readonly #emissions: Emissions;
  readonly #request: { clientId: string; budgetMs: number; tried: readonly number[] };
  readonly #ended = { clientId: '', ending: 'failed' as RequestEnding, latencyMs: 0, handle: NO_HANDLE };
  #timeoutScheduled = false;

  constructor(options: SimulationOptions) {
    const { scenario, world, seed, createRouter } = options;
    this.#options = options;
    this.#scenario = scenario;
    this.#world = world;
    this.#recorder = new Recorder({
      seconds: Math.ceil(scenario.durationMs / 1_000),
      clients: world.clients.length,
      instances: world.instances.length,
      balancers: world.balancers.length,
      profiles: world.instances.map(({ model }) => readProfile(model.profile ?? null)),
      fits: scenario.requirements.shares.map((share) => this.#fits(share)),
    });
    const agenda = this.#agenda;
    const network = new Network(world, scenario.network.jitterMs, createStream(seed, 'network'));
    this.#network = network;
    this.#emissions = new Emissions(world, seed, agenda);
    this.#sites = new Sites({ world, seed, agenda, onAnswer: (...answer) => this.#answer(...answer) });
    this.#chains = new SimulatedChains(scenario, world, options.split ?? 'learned');
    const { stages } = this.#chains;
    this.#balancers = new Balancers({ world, seed, spec: scenario.network, agenda, network, createRouter, stages });
    const { neighbours } = scenario.network;
    this.#neighbourhood =
      neighbours === undefined
        ? null
        : new Neighbourhood({ world, spec: neighbours, agenda, balancers: this.#balancers, stages, seed });
    this.#connections = new Connections(scenario.network.connections, world.instances.length);
    this.#request = { clientId: '', budgetMs: scenario.qos.latencyMs, tried: NOT_TRIED };
  }

  run(): Recorder {
    this.#emissions.begin();
    for (const [i, { atMs }] of this.#world.timeline.entries()) this.#agenda.push(atMs, EVENT.change, i);
    this.#agenda.push(PROGRESS_MS, EVENT.progress, 0);
    // What is under way at the end may still end; nothing new begins.
    const endMs = this.#scenario.durationMs + this.#scenario.network.timeoutMs;
    while (this.#agenda.next(endMs)) this.#handle(this.#agenda.subject);
    for (let slot = this.#attempts.oldest; slot !== NO_SLOT; slot = this.#attempts.oldest) this.#giveUp(slot);
    return this.#recorder;
  }

  #handle(subject: number): void {
    switch (this.#agenda.kind) {
      case EVENT.emit:
        this.#emit(subject);
        break;
      case EVENT.arrive:
        this.#arrive(subject);
        break;
      case EVENT.reply:
        this.#reply(subject);
        break;
      case EVENT.tick:
        this.#balancers.tick(subject);
        break;
      case EVENT.probe:
        this.#balancers.probe(subject);
        break;
      case EVENT.change:
        this.#change((this.#world.timeline[subject] as TimedChange).change);
        break;
      case EVENT.placement:
        this.#balancers.place(subject);
        break;
      case EVENT.summary:
        this.#neighbourhood?.send(subject);
        break;
      case EVENT.hear:
        this.#neighbourhood?.arrive(subject);
        break;
      case EVENT.timeout:
        this.#timeOut();
        break;
      case EVENT.progress:
        this.#progress();
        break;
      default:
        this.#sites.handle(this.#agenda.kind, subject);
    }
  }

  // ---- a request ----

  #emit(c: number): void {
    const { burst } = this.#clientAt(c);
    const { nowMs } = this.#agenda;
    const group = this.#emissions.ask(c);
    for (let n = 0; n < burst; n++) this.#enterStage({ client: c, emittedMs: nowMs, group, stage: 0 });
  }

  /** Where requests are no runs through a chain, the one stage there is has all of the goal. */
  #enterStage(entering: Pick<RequestUnderWay, 'client' | 'emittedMs' | 'group' | 'stage'>): void {
    const { client, emittedMs, stage } = entering;
    const { nowMs } = this.#agenda;
    const { balancer } = this.#clientAt(client);
    const budgetMs = this.#chains.budgetMs(balancer, stage, nowMs - emittedMs);
    if (this.#chains.steers) this.#balancers.at(balancer, stage).router.aim(this.#chains.aimMs(balancer, stage));
    this.#send({ ...entering, stageMs: nowMs, budgetMs, attempt: 0, tried: NOT_TRIED });
  }

  #send(underWay: RequestUnderWay): void {
    const { client: c, emittedMs, tried, stage } = underWay;
    const { nowMs } = this.#agenda;
    const client = this.#clientAt(c);
    const request = this.#request;
    request.clientId = client.id;
    request.budgetMs = Math.max(0, underWay.budgetMs - (nowMs - underWay.stageMs));
    request.tried = tried;
    const { router } = this.#balancers.at(client.balancer, stage);
    const candidate = router.route(request, nowMs);
    if (candidate === null)
      this.#end(c, { emittedMs, ending: router.lastTier === 'shed' ? 'shed' : 'noInstance', handle: NO_HANDLE });
    else this.#startAttempt(underWay, candidate);
    this.#balancers.scheduleTick(this.#balancers.placeOf(client.balancer, stage));
  }

  #startAttempt(underWay: RequestUnderWay, candidate: Candidate): void {
    const { client, stage } = underWay;
    const { nowMs } = this.#agenda;
    const b = this.#clientAt(client).balancer;
    const balancer = this.#balancers.at(b, stage);
    const instance = balancer.byHandle[candidate.handle] as number;
    const connectMs = this.#connectMs(b, instance);
    const wayMs = this.#network.drawRttMs(balancer.node, instance) / 2;
    const attempts = this.#attempts;
    const slot = attempts.take(underWay, nowMs);
    attempts.instance[slot] = instance;
    attempts.handle[slot] = candidate.handle;
    attempts.epoch[slot] = balancer.epoch;
    attempts.connectMs[slot] = connectMs;
    attempts.returnMs[slot] = wayMs;
    attempts.ticket[slot] = balancer.router.start(candidate, nowMs);
    this.#recorder.routedTo(b, instance);
    this.#agenda.push(nowMs + this.#network.waitMs(b, nowMs) + connectMs + wayMs, EVENT.arrive, slot);
    if (!this.#timeoutScheduled) this.#scheduleTimeout();
  }

  #connectMs(b: number, instance: number): number {
    const roundTrips = this.#connections.take(b, instance, this.#agenda.nowMs);
    return roundTrips === 0 ? 0 : roundTrips * this.#network.drawRttMs(this.#balancers.at(b).node, instance);
  }

  #arrive(slot: AttemptSlot): void {
    const { nowMs } = this.#agenda;
    const instance = this.#attempts.instance[slot] as number;
    this.#attempts.arrivedMs[slot] = nowMs;
    this.#recorder.arrived(instance, nowMs);
    this.#sites.enter(slot, instance, this.#clientAt(this.#attempts.client[slot] as number).workFactor);
  }

  /** Sends the answer on its way; an instance that hung up on the client's side still worked for it. */
  #answer(slot: AttemptSlot, instance: number, result: number, afterMs: number): void {
    const attempts = this.#attempts;
    const leavesMs = this.#agenda.nowMs + afterMs;
    if (result === ANSWERED) this.#recorder.processed(instance, leavesMs - (attempts.arrivedMs[slot] as number));
    attempts.result[slot] = result;
    if (attempts.abandoned[slot] === 1) attempts.release(slot);
    else this.#agenda.push(leavesMs + (attempts.returnMs[slot] as number), EVENT.reply, slot);
  }

  #reply(slot: AttemptSlot): void {
    const { nowMs } = this.#agenda;
    const attempts = this.#attempts;
    if (attempts.abandoned[slot] === 1) {
      attempts.release(slot);
      return;
    }
    const { balancer } = this.#clientAt(attempts.client[slot] as number);
    const waitMs = this.#network.waitMs(balancer, nowMs);
    if (waitMs > 0) {
      this.#agenda.push(nowMs + waitMs, EVENT.reply, slot);
      return;
    }
    if (attempts.result[slot] !== REFUSED) this.#connections.give(balancer, attempts.instance[slot] as number, nowMs);
    this.#conclude(slot);
  }

  #conclude(slot: AttemptSlot): void {
    const attempts = this.#attempts;
    const request = attempts.requestOf(slot);
    const { client, emittedMs, group, stage } = request;
    const instance = attempts.instance[slot] as number;
    const handle = attempts.handle[slot] as number;
    const result = attempts.result[slot] as number;
    const verdict = VERDICTS[result] as Verdict;
    const sameLife = this.#finish(slot, verdict.evidence);
    attempts.release(slot);
    if (result === ANSWERED) {
      const latencyMs = this.#agenda.nowMs - emittedMs;
      this.#chains.observe(this.#clientAt(client).balancer, stage, this.#agenda.nowMs - request.stageMs);
      if (stage + 1 < this.#chains.stages) {
        this.#enterStage({ client, emittedMs, group, stage: stage + 1 });
        return;
      }
      this.#recorder.answered({ client, emittedMs, latencyMs, instance, group });
      const counted = this.#emissions.counted(client, group, this.#recorder.accuracyOf(instance, group));
      if (counted !== null) this.#balancerOf(client).router.observeGroup(this.#clientAt(client).id, counted);
      const ending = latencyMs <= this.#scenario.qos.latencyMs ? 'success' : 'late';
      this.#end(client, { emittedMs, ending, handle: sameLife ? handle : NO_HANDLE });
    } else if (verdict.retryable && request.attempt < this.#scenario.network.retries) {
      const tried = sameLife ? [...request.tried, handle] : NOT_TRIED;
      this.#send({ ...request, attempt: request.attempt + 1, tried });
    } else {
      this.#end(client, { emittedMs, ending: result === REFUSED ? 'refused' : 'failed', handle });
    }
  }

  /** Reports to the router that sent it, unless that one is gone: false then. */
  #finish(slot: AttemptSlot, evidence: Evidence): boolean {
    const attempts = this.#attempts;
    const { nowMs } = this.#agenda;
    const { balancer } = this.#clientAt(attempts.client[slot] as number);
    const { router, epoch } = this.#balancers.at(balancer, attempts.stage[slot] as number);
    if (attempts.epoch[slot] !== epoch) return false;
    // What connecting took says nothing of the instance.
    const sentMs = (attempts.startMs[slot] as number) + (attempts.connectMs[slot] as number);
    router.finish(attempts.ticket[slot] as number, evidence, Math.max(0, nowMs - sentMs), nowMs);
    return true;
  }

  #end(c: number, { emittedMs, ending, handle }: Ending): void {
    const { nowMs } = this.#agenda;
    const ended = this.#ended;
    ended.clientId = this.#clientAt(c).id;
    ended.ending = ending === 'success' || ending === 'late' ? ending : 'failed';
    ended.latencyMs = nowMs - emittedMs;
    ended.handle = handle;
    this.#balancerOf(c).router.recordRequest(ended, nowMs);
    this.#recorder.ended(c, emittedMs, ending);
    this.#emissions.ended(c);
  }

  #fits(share: AttributeShare): Fits {
    const table = new AttributeTable(this.#world, share);
    return ({ client, instance, group }) => table.has(this.#clientAt(client).balancer, instance, group);
  }

  // ---- time limits ----

  #scheduleTimeout(): void {
    const oldest = this.#attempts.oldest;
    this.#timeoutScheduled = oldest !== NO_SLOT;
    if (oldest === NO_SLOT) return;
    const startMs = this.#attempts.startMs[oldest] as number;
    this.#agenda.push(startMs + this.#scenario.network.timeoutMs, EVENT.timeout, 0);
  }

  #timeOut(): void {
    const { timeoutMs } = this.#scenario.network;
    for (let slot = this.#attempts.oldest; slot !== NO_SLOT; slot = this.#attempts.oldest) {
      // The very sum that the event was scheduled by, so that rounding cannot keep it waiting for ever.
      if ((this.#attempts.startMs[slot] as number) + timeoutMs > this.#agenda.nowMs) break;
      this.#giveUp(slot);
    }
    this.#scheduleTimeout();
  }

  #giveUp(slot: AttemptSlot): void {
    this.#finish(slot, TABLE.timeout.evidence);
    const emittedMs = this.#attempts.emittedMs[slot] as number;
    this.#end(this.#attempts.client[slot] as number, { emittedMs, ending: 'timeout', handle: NO_HANDLE });
    this.#attempts.abandon(slot);
  }

  // ---- the timeline ----

  #change(change: Change): void {
    switch (change.kind) {
      case 'keep':
        this.#balancers.keep(change.balancers);
        break;
      case 'restart':
        this.#balancers.restart(change.balancers, change);
        this.#neighbourhood?.rejoin(change.balancers);
        break;
      case 'announce':
        this.#balancers.announce(change.instance);
        break;
      case 'withdraw':
        this.#balancers.withdraw(change.instance);
        break;
      case 'link':
        this.#network.addDelay(change.instance, change.addMs);
        break;
      case 'broker':
        this.#balancers.holdPlacement(change.untilMs);
        break;
      case 'uplink':
        this.#network.stall(change.balancer, change.untilMs);
        break;
      default:
        this.#sites.apply(change);
    }
    this.#options.onChange?.(change, this.#agenda.nowMs);
  }

  #progress(): void {
    const { nowMs } = this.#agenda;
    if (nowMs >= this.#scenario.durationMs) return;
    this.#options.onProgress?.(nowMs / this.#scenario.durationMs);
    this.#agenda.push(nowMs + PROGRESS_MS, EVENT.progress, 0);
  }

  #clientAt(c: number): WorldClient {
    return this.#world.clients[c] as WorldClient;
  }

  #balancerOf(c: number): Balancer {
    return this.#balancers.at(this.#clientAt(c).balancer);
  }
}
