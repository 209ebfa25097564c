// Active health checks, for a service that asks for them: each instance is checked in turn, and what comes of it is
// reported. A failed instance is suspect, never gone: the router falls back on it when nothing else is left, and one
// good check brings it back.

import type { HealthConfig } from '../config/config.ts';
import type { Instance, InstanceKey } from '../core/domain.ts';
import { instanceKey } from '../core/domain.ts';
import { checkHealth } from '../net/health/health-check.ts';
import type { ClientTls } from '../net/tls.ts';

/** The checks of a service changed their mind about an instance. */
export interface HealthChange {
  readonly key: InstanceKey;
  readonly healthy: boolean;
  readonly reason: string;
}

/** Hears when health checks find an instance of a service failed or well again; not of checks that find no change. */
export type OnHealth = (service: string, change: HealthChange) => void;

export interface HealthCheckerOptions {
  readonly config: HealthConfig;
  /** The instances that live now; asked for at each round. */
  readonly instances: () => readonly Instance[];
  /** Called for changes alone. */
  readonly onHealth: (change: HealthChange) => void;
  /** Spreads the first checks of many load balancers, in [0, 1). */
  readonly phase: number;
  readonly tls: ClientTls;
  /** Instances that the checks before these found failed: the first good check of each is reported. */
  readonly failed?: ReadonlySet<InstanceKey>;
}

export interface HealthChecker {
  /** Instances that were last reported as failed, here or by the checks before. */
  readonly failed: ReadonlySet<InstanceKey>;
  /** Stops; checks under way are given up without a word. */
  stop(): void;
}

/** Starts at once: the first round follows within one interval. */
export function startHealthChecks(options: HealthCheckerOptions): HealthChecker {
  return new IntervalChecker(options);
}

interface HealthState {
  readonly instance: Instance;
  failures: number;
  /** As last reported; null: it was reported as failed, and is another one since. */
  up: boolean | null;
  checking: boolean;
}

class IntervalChecker implements HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #states = new Map<InstanceKey, HealthState>();
  /** What the checks before these reported, of instances that are not looked at yet. */
  readonly #before: Set<InstanceKey>;
  #timer: NodeJS.Timeout;
  #stopped = false;

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
    this.#before = new Set(options.failed);
    this.#timer = setTimeout(() => this.#round(), options.phase * options.config.intervalMs);
    this.#timer.unref();
  }

  get failed(): ReadonlySet<InstanceKey> {
    const failed = new Set(this.#before);
    for (const [key, { up }] of this.#states) if (up !== true) failed.add(key);
    return failed;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #round(): void {
    const { config, instances } = this.#options;
    this.#timer = setTimeout(() => this.#round(), config.intervalMs).unref();
    const live = new Map(instances().map((instance) => [instanceKey(instance), instance]));
    for (const key of this.#states.keys()) if (!live.has(key)) this.#states.delete(key);
    for (const [key, instance] of live) {
      const state = this.#stateOf(key, instance);
      // One that hangs is not asked again while it does; its timeout is on its way.
      if (!state.checking) this.#check(key, state);
    }
    this.#before.clear();
  }

  /** A new one for an instance that is another one by now, even where its key is the same. */
  #stateOf(key: InstanceKey, instance: Instance): HealthState {
    const known = this.#states.get(key);
    if (known?.instance === instance) return known;
    const wasUp = known === undefined ? !this.#before.has(key) : known.up === true;
    const state: HealthState = { instance, failures: 0, up: wasUp ? true : null, checking: false };
    this.#states.set(key, state);
    return state;
  }

  #check(key: InstanceKey, state: HealthState): void {
    state.checking = true;
    const { config, tls } = this.#options;
    void checkHealth(state.instance, config, tls).then((failure) => {
      state.checking = false;
      if (failure === undefined) return;
      if (!this.#stopped && this.#states.get(key) === state) this.#judge(key, state, failure);
    });
  }

  /** `failure` null: the check was good. */
  #judge(key: InstanceKey, state: HealthState, failure: string | null): void {
    const { config, onHealth } = this.#options;
    state.failures = failure === null ? 0 : state.failures + 1;
    const up = failure === null || (state.failures < config.failuresMax ? state.up : false);
    if (up === state.up || up === null) return;
    state.up = up;
    onHealth({ key, healthy: up, reason: failure ?? 'the health check is good again' });
  }
}
