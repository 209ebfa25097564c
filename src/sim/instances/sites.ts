// All instances: what enters them, when each is done with what, their stalls, and the faults that the timeline brings.

import { type Agenda, EVENT, type EventKind } from '../events/agenda.ts';
import { createStream } from '../random.ts';
import type { Change } from '../world/change.ts';
import type { World } from '../world/world.ts';
import type { AttemptSlot } from './attempt-table.ts';
import { Site } from './site.ts';

/** The job of a neighbour; no attempt has this slot. */
const NEIGHBOUR: AttemptSlot = 2 ** 30;

/** How an instance answers an attempt; an index into the simulation's results. */
export const ANSWERED = 0;
const FAILED = 1;
/** Nothing listens: refused at once. */
export const REFUSED = 2;

export type SiteChange = Exclude<
  Change,
  { kind: 'keep' | 'restart' | 'announce' | 'withdraw' | 'link' | 'uplink' | 'broker' }
>;

/** Called when an instance has an answer for an attempt, which leaves it `afterMs` from now. */
export type OnAnswer = (slot: AttemptSlot, instance: number, result: number, afterMs: number) => void;

export interface SitesOptions {
  readonly world: Pick<World, 'instances'>;
  readonly seed: number;
  readonly agenda: Agenda;
  readonly onAnswer: OnAnswer;
}

/** All instances of a world, by index. */
export class Sites {
  readonly #agenda: Agenda;
  readonly #onAnswer: OnAnswer;
  readonly #sites: readonly Site[];

  constructor({ world, seed, agenda, onAnswer }: SitesOptions) {
    this.#agenda = agenda;
    this.#onAnswer = onAnswer;
    this.#sites = world.instances.map(({ model, fromStart }, i) => {
      const site = new Site(model, createStream(seed, 'instance', i));
      site.up = fromStart;
      return site;
    });
    for (const [i, site] of this.#sites.entries()) {
      if (site.model.stallEveryMs < Number.POSITIVE_INFINITY) agenda.push(site.nextStallInMs(), EVENT.stall, i);
      if (site.neighbour !== null) agenda.push(site.neighbour.nextMs(0), EVENT.neighbour, i);
    }
  }

  /** An attempt comes in, with this factor on its work. */
  enter(slot: AttemptSlot, i: number, workFactor: number): void {
    const site = this.#at(i);
    if (!site.up) {
      this.#onAnswer(slot, i, REFUSED, 0);
      return;
    }
    if (site.use(this.#agenda.nowMs)) this.#load(i);
    if (site.drawsError() || !site.server.enter(slot, workFactor * site.drawWorkMs(), this.#agenda.nowMs)) {
      this.#onAnswer(slot, i, FAILED, site.drawOverheadMs());
    } else this.#scheduleCompletion(i);
  }

  /** An event of an instance is due. False: an event of that kind is none of an instance. */
  handle(kind: EventKind, i: number): boolean {
    if (kind === EVENT.complete) this.#complete(i);
    else if (kind === EVENT.stall) this.#stall(i);
    else if (kind === EVENT.stallEnd) this.#endStall(i);
    else if (kind === EVENT.neighbour) this.#workForNeighbour(i);
    else return false;
    return true;
  }

  #complete(i: number): void {
    const { nowMs } = this.#agenda;
    const site = this.#at(i);
    if (nowMs !== site.scheduledMs) return;
    site.scheduledMs = Number.NaN;
    site.use(nowMs);
    for (let slot = site.server.takeDone(nowMs); slot >= 0; slot = site.server.takeDone(nowMs)) {
      if (slot !== NEIGHBOUR) this.#onAnswer(slot, i, ANSWERED, site.drawOverheadMs());
    }
    this.#scheduleCompletion(i);
  }

  /** It stands still until its model is loaded. */
  #load(i: number): void {
    const { nowMs } = this.#agenda;
    this.#at(i).freeze(1, nowMs);
    this.#agenda.push(nowMs + this.#at(i).model.coldLoadMs, EVENT.stallEnd, i);
  }

  /** A request of the neighbour comes in; it takes its share of the processor, and is answered to others. */
  #workForNeighbour(i: number): void {
    const { nowMs } = this.#agenda;
    const { server, neighbour } = this.#at(i);
    if (neighbour === null) return;
    server.enter(NEIGHBOUR, neighbour.drawWorkMs(), nowMs);
    this.#agenda.push(neighbour.nextMs(nowMs), EVENT.neighbour, i);
    this.#scheduleCompletion(i);
  }

  #stall(i: number): void {
    const { nowMs } = this.#agenda;
    const site = this.#at(i);
    site.freeze(1, nowMs);
    this.#agenda.push(nowMs + site.model.stallMs, EVENT.stallEnd, i);
    this.#agenda.push(nowMs + site.model.stallMs + site.nextStallInMs(), EVENT.stall, i);
  }

  #endStall(i: number): void {
    this.#at(i).freeze(-1, this.#agenda.nowMs);
    this.#scheduleCompletion(i);
  }

  apply(change: SiteChange): void {
    this.#applyTo(this.#at(change.instance), change);
    this.#scheduleCompletion(change.instance);
  }

  #applyTo(site: Site, change: SiteChange): void {
    const { nowMs } = this.#agenda;
    switch (change.kind) {
      case 'up':
        site.up = true;
        return;
      case 'down':
        site.up = false;
        site.cool();
        // Requests inside have their connection reset.
        for (const slot of site.server.evict(nowMs)) {
          if (slot !== NEIGHBOUR) this.#onAnswer(slot, change.instance, REFUSED, 0);
        }
        return;
      case 'freeze':
        site.freeze(1, nowMs);
        return;
      case 'thaw':
        site.freeze(-1, nowMs);
        return;
      case 'slow':
        site.slow(change.factor, nowMs);
        return;
      case 'delay':
        site.delayMs += change.addMs;
        return;
      case 'errors':
        site.errorRatio += change.addRatio;
        return;
    }
  }

  /** Sees to it that an event waits no later than the next completion. One that comes too early looks again. */
  #scheduleCompletion(i: number): void {
    const site = this.#at(i);
    const nextMs = site.server.nextDoneMs();
    if (nextMs >= site.scheduledMs || nextMs === Number.POSITIVE_INFINITY) return;
    site.scheduledMs = nextMs;
    this.#agenda.push(nextMs, EVENT.complete, i);
  }

  #at(i: number): Site {
    return this.#sites[i] as Site;
  }
}
