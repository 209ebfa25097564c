// The routers of all services: placement and round trips are handed to those they concern, and a reload keeps what was learned for
// services that stay. When they make their steps is router-steps.ts.

import { isDeepStrictEqual } from 'node:util';
import type { Config, ServiceConfig } from '../../config/config.ts';
import { requirementsOf } from '../../config/requirements.ts';
import type { Clock } from '../../core/clock.ts';
import { createServiceRouter } from '../../core/create-router.ts';
import {
  type Candidate,
  type InstanceKey,
  instanceKey,
  type PlacementUpdate,
  type QosTarget,
} from '../../core/domain.ts';
import type { NeighbourUse } from '../../core/neighbours/neighbours.ts';
import type { Summary } from '../../core/neighbours/summary.ts';
import type { Requirements } from '../../core/requirements/requirements.ts';
import type { Rng } from '../../core/rng.ts';
import type { SharedFlights } from '../../core/router/shared-flights.ts';
import type { RouterEvent, RouterSnapshot, ServiceRouter } from '../../core/service-router.ts';
import type { ControlMessage } from './control-message.ts';
import { InstanceHealth } from './instance-health.ts';
import { LateRestore } from './late-restore.ts';
import { RouterSteps } from './router-steps.ts';

export interface RouterSetOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly rng: Rng;
  /** What the other event loops have in flight; null: there is none. */
  readonly sharedFlights: SharedFlights | null;
  readonly onEvent: (service: string, event: RouterEvent) => void;
  /** After `look` returned true: a request came, or other routers did. */
  readonly onWake?: () => void;
}

interface Entry {
  readonly router: ServiceRouter;
  readonly fingerprint: string;
}

export class RouterSet {
  readonly #options: RouterSetOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #routers = new Map<string, ServiceRouter>();
  /** Measured distances, for routers that are made later. */
  readonly #rtts = new Map<string, number>();
  readonly #late = new LateRestore();
  readonly #health = new InstanceHealth();
  /** Names of hosts that have no address. */
  readonly #unresolved = new Set<string>();
  #rttChangeRatio: number;
  /** Undefined: summaries of neighbours are neither sent nor used. */
  #neighbours: NeighbourUse | undefined;
  readonly #steps: RouterSteps;

  constructor(options: RouterSetOptions) {
    this.#options = options;
    this.#rttChangeRatio = options.config.probe.changeRatio;
    this.#neighbours = neighboursOf(options.config);
    const { clock, onWake = () => {} } = options;
    this.#steps = new RouterSteps({ routers: this.#routers, clock, onWake });
    for (const service of options.config.services) this.#add(service);
  }

  /** Makes the steps that a rest left out, too. Returns whether no service was asked for anything of late, which holds until `onWake`. */
  look(): boolean {
    return this.#steps.look();
  }

  /** Service name → router; one object for the life of the set. */
  get routers(): ReadonlyMap<string, ServiceRouter> {
    return this.#routers;
  }

  /** What would bring a fresh set to where this one is, but for what the routers learned. */
  catchUpMessages(): ControlMessage[] {
    const ofInstances = [...this.#routers].flatMap(([service, { candidates }]) =>
      candidates.flatMap(({ key, instance }): ControlMessage[] => [
        { kind: 'placement', service, update: { kind: 'instance-set', instance } },
        ...this.#health.catchUpMessages(service, key),
      ]),
    );
    const rtts = [...this.#rtts].map(([nodeId, rttMs]): ControlMessage => ({ kind: 'rtt', nodeId, rttMs }));
    return [...ofInstances, ...this.#health.drainedInstances, ...rtts];
  }

  start(): void {
    this.#steps.start();
  }

  stop(): void {
    this.#steps.stop();
  }

  applyPlacement(service: string, update: PlacementUpdate): void {
    const router = this.#routers.get(service);
    if (router === undefined) return;
    const nowMs = this.#options.clock.nowMs();
    if (update.kind === 'instance-availability') {
      this.#health.placed(service, update.key, update.availability);
      this.#applyAvailability(router, update.key);
      return;
    }
    router.applyPlacement(update, nowMs);
    if (update.kind === 'instance-removed') {
      this.#health.removed(service, update.key);
      return;
    }
    const key = instanceKey(update.instance);
    this.#applyAvailability(router, key);
    this.#late.arrived(router, key, nowMs);
  }

  /** Takes back what an earlier run learned, `ageMs` ago; what is known of instances that are yet to come waits for them. */
  restore(snapshots: readonly RouterSnapshot[], ageMs: number): void {
    const nowMs = this.#options.clock.nowMs();
    for (const snapshot of snapshots) {
      const router = this.#routers.get(snapshot.service);
      if (router !== undefined) this.#late.restore(router, { snapshot, ageMs }, nowMs);
    }
  }

  /** A health check changed its mind. */
  observeHealth(service: string, key: InstanceKey, healthy: boolean): void {
    this.#health.checked(service, key, healthy);
    this.#applyAvailability(this.#routers.get(service), key);
  }

  /** Whether a name has an address now: instances there take traffic only while it has one. */
  observeName(name: string, resolves: boolean): void {
    if (resolves) this.#unresolved.delete(name);
    else this.#unresolved.add(name);
    for (const router of this.#routers.values()) {
      for (const { key, instance } of router.candidates) {
        if (instance.host === name) this.#applyAvailability(router, key);
      }
    }
  }

  /** No new traffic for the instance until that is taken back. */
  drain(service: string, key: InstanceKey, on: boolean): void {
    this.#health.drained(service, key, on);
    this.#applyAvailability(this.#routers.get(service), key);
  }

  observeRtt(nodeId: string, rttMs: number): void {
    this.#rtts.set(nodeId, rttMs);
    const nowMs = this.#options.clock.nowMs();
    for (const router of this.#routers.values()) router.observeRtt(nodeId, rttMs, nowMs);
  }

  /** A neighbour said what it saw; the steps that a rest left out know nothing of it. */
  hear(service: string, nodeId: string, summary: Summary): void {
    const nowMs = this.#options.clock.nowMs();
    const router = this.#routers.get(service);
    router?.tick(nowMs);
    router?.neighbours?.hear(nodeId, summary, nowMs);
  }

  /** The node is measured no more; should it come back, it starts from nothing. */
  forgetNode(nodeId: string): void {
    this.#rtts.delete(nodeId);
  }

  /** Takes over another configuration. Services whose definition is the same keep their router and all it learned. */
  reload(config: Pick<Config, 'services' | 'probe' | 'neighbours' | 'mqtt'>): void {
    const { services, probe } = config;
    this.#rttChangeRatio = probe.changeRatio;
    for (const router of this.#routers.values()) router.setRttChangeRatio(probe.changeRatio);
    const names = new Set(services.map((service) => service.name));
    for (const name of [...this.#entries.keys()]) if (!names.has(name)) this.#remove(name);
    const neighbours = neighboursOf(config);
    const isKept = isDeepStrictEqual(neighbours, this.#neighbours);
    this.#neighbours = neighbours;
    let isOther = false;
    for (const service of services) {
      if (service.health === null) this.#uncheck(service.name);
      const entry = this.#entries.get(service.name);
      const isSame = entry?.fingerprint === fingerprintOf(service);
      if (isSame && isKept) continue;
      isOther = true;
      this.#add(service, entry?.router.candidates);
      // Neighbours alone are others: what was learned holds.
      if (isSame) this.#takeOver(service.name, entry.router);
    }
    if (isOther) this.#steps.renew();
  }

  #applyAvailability(router: ServiceRouter | undefined, key: InstanceKey): void {
    const known = router?.candidates.find((candidate) => candidate.key === key);
    if (router === undefined || known === undefined) return;
    const resolves = !this.#unresolved.has(known.instance.host);
    const availability = this.#health.availability(router.service, key, resolves);
    if (known.availability === availability) return;
    router.applyPlacement({ kind: 'instance-availability', key, availability }, this.#options.clock.nowMs());
  }

  #remove(name: string): void {
    for (const { key } of this.#routers.get(name)?.candidates ?? []) this.#health.removed(name, key);
    this.#entries.delete(name);
    this.#routers.delete(name);
  }

  /** Health checks say nothing of the service any more, so what they said last is taken back. */
  #uncheck(service: string): void {
    for (const { key } of this.#routers.get(service)?.candidates ?? []) this.observeHealth(service, key, true);
  }

  /** `placed`: what the router before this one had, which placement will not report again. */
  #add(service: ServiceConfig, placed: readonly Candidate[] = []): void {
    const { config, clock, rng, sharedFlights, onEvent } = this.#options;
    const nowMs = clock.nowMs();
    const router = createServiceRouter({
      service: service.name,
      localNodeId: config.node.id,
      qos: targetOf(service),
      requirements: askedOf(service),
      policy: policyOf(service),
      prefer: service.prefer,
      sessionIdleMs: service.affinity?.idleMs ?? null,
      instancesMax: config.placement.instancesMax,
      rttChangeRatio: this.#rttChangeRatio,
      ...(this.#neighbours === undefined ? {} : { neighbours: this.#neighbours }),
      rng,
      nowMs,
      sharedFlights,
      onEvent: (event) => onEvent(service.name, event),
    });
    for (const [nodeId, rttMs] of this.#rtts) router.observeRtt(nodeId, rttMs, nowMs);
    for (const { instance, key } of placed) {
      router.applyPlacement({ kind: 'instance-set', instance }, nowMs);
      // Not as the router before had it: there, one that asked for a pause was suspect until the pause was over.
      this.#applyAvailability(router, key);
    }
    this.#entries.set(service.name, { router, fingerprint: fingerprintOf(service) });
    this.#routers.set(service.name, router);
  }

  #takeOver(service: string, before: ServiceRouter): void {
    const nowMs = this.#options.clock.nowMs();
    this.#routers.get(service)?.restore(before.snapshot(nowMs), 0, nowMs);
  }
}

/** What learned state depends on; with another one it starts from nothing. */
function fingerprintOf(service: ServiceConfig): string {
  const { name, prefer, affinity } = service;
  return JSON.stringify([name, targetOf(service), askedOf(service), policyOf(service), prefer, affinity?.idleMs]);
}

/** The policy with what the service as a whole says of it. */
function policyOf({ policy, overload }: ServiceConfig): ServiceConfig['policy'] {
  const { name, options } = policy;
  return overload === 'send' && name === 'qedge' ? { name, options: { ...options, shed: false } } : policy;
}

/** Without a broker there is no way to reach them. */
function neighboursOf({ mqtt, neighbours }: Pick<Config, 'mqtt' | 'neighbours'>): NeighbourUse | undefined {
  const { mode, samplesMax } = neighbours;
  return mqtt === null || mode === 'off' ? undefined : { use: mode === 'use', samplesMax };
}

/** What it asks for beside the latency goal. */
function askedOf({ qos, objective }: ServiceConfig): Requirements {
  return requirementsOf({ qos, objective });
}

function targetOf({ qos: { latencyMs, successRatio, windowMs } }: ServiceConfig): QosTarget {
  return { latencyMs, successRatio, windowMs };
}
