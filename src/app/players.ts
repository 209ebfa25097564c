// All players of this node behind one face: the main thread's own, and the crew of workers where there are any. Told
// once, known by all; looked at as one.

import type { Config } from '../config/config.ts';
import type { PlacementUpdate } from '../core/domain.ts';
import type { RouterSnapshot, RouterState, ServiceRouter } from '../core/service-router.ts';
import type { BoundListener } from '../proxy/proxy.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';
import { Crew } from './crew.ts';
import { mergeStates } from './merge-states.ts';
import { Player, type PlayerOptions } from './player.ts';
import type { ToWorker } from './worker-messages.ts';

/** A service as people see it: whatever concerns state is told of all players, and told to all. */
export type ObservedRouter = Pick<
  ServiceRouter,
  'service' | 'candidates' | 'state' | 'density' | 'preview' | 'setTap' | 'reset' | 'applyPlacement'
>;

export interface PlayersOptions extends Omit<PlayerOptions, 'onHealth' | 'joins'> {
  /** A worker is lost. */
  readonly onLoss: (message: string) => void;
}

export class Players {
  readonly #config: Config;
  readonly #version: string;
  readonly #own: Player;
  readonly #crew: Crew;

  constructor(options: PlayersOptions) {
    const { config, log, metrics, onEvent, onLoss } = options;
    this.#config = config;
    this.#version = options.version;
    this.#own = new Player({
      ...options,
      onHealth: (service, key, healthy, reason) => {
        log.info({ service, instance: key, healthy, reason }, 'health of an instance changed');
        this.#own.observeHealth(service, key, healthy);
        this.#crew.tell({ kind: 'health', service, key, healthy });
      },
    });
    this.#crew = new Crew({ log, onEvent, onLoss, onMetrics: (worker, exported) => metrics.take(worker, exported) });
  }

  /** The main thread's routers. */
  get routers(): ReadonlyMap<string, ServiceRouter> {
    return this.#own.routers;
  }

  get listeners(): readonly BoundListener[] {
    return this.#own.listeners;
  }

  /** Starts the workers, who listen to what is told from here on. */
  spawn(): void {
    this.#crew.spawn(this.#config, this.#version);
  }

  /** Opens all ports, of the workers too. Throws `CommandError` when one cannot be had. */
  async listen(sockets: InheritedSockets): Promise<void> {
    const first = new Map([...sockets].flatMap(([name, [fd]]) => (fd === undefined ? [] : [[name, fd] as const])));
    const listeners = await this.#own.listen(first);
    await this.#crew.listen(listeners, sockets);
  }

  /** Decides from here on, with what was learned before where there is such a thing. */
  start(learned: readonly RouterSnapshot[], ageMs: number): void {
    this.#own.start(learned, ageMs);
    this.#crew.tell({ kind: 'start', learned, ageMs });
  }

  applyPlacement(service: string, update: PlacementUpdate): void {
    this.#own.applyPlacement(service, update);
    this.#crew.tell({ kind: 'placement', service, update });
  }

  observeRtt(nodeId: string, rttMs: number): void {
    this.#own.observeRtt(nodeId, rttMs);
    this.#crew.tell({ kind: 'rtt', nodeId, rttMs });
  }

  forgetNode(nodeId: string): void {
    this.#own.forgetNode(nodeId);
    this.#crew.tell({ kind: 'node-gone', nodeId });
  }

  /** Throws `CommandError`, with nothing changed, when a file the configuration names cannot be used. */
  async configure(config: Config): Promise<void> {
    await this.#own.configure(config);
    this.#crew.tell({ kind: 'configure', config });
  }

  /** What the main thread's player learned; after a restart all begin with that. */
  snapshots(): RouterSnapshot[] {
    return this.#own.snapshots();
  }

  /** The services as one picture of all players. */
  observed(): ReadonlyMap<string, ObservedRouter> {
    return new Map([...this.routers].map(([name, router]) => [name, observe(router, this.#crew)]));
  }

  async drain(): Promise<void> {
    await Promise.all([this.#own.drain(), this.#crew.drain()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#own.close(), this.#crew.close()]);
  }
}

function observe(router: ServiceRouter, crew: Crew): ObservedRouter {
  const { service } = router;
  const tell = (message: ToWorker): void => crew.tell(message);
  return {
    service,
    candidates: router.candidates,
    state: (nowMs): RouterState => mergeStates([router.state(nowMs), ...crew.statesOf(service)]),
    density: (key, gridMs, nowMs) => router.density(key, gridMs, nowMs),
    preview: (request, nowMs) => router.preview(request, nowMs),
    setTap: (tap) => router.setTap(tap),
    reset(nowMs) {
      router.reset(nowMs);
      tell({ kind: 'reset', service });
    },
    applyPlacement(update, nowMs) {
      router.applyPlacement(update, nowMs);
      tell({ kind: 'placement', service, update });
    },
  };
}
