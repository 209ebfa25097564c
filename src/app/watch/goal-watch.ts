// Two things about a service that no request shows and that explain much: there is one instance only, so that there is
// nothing to choose; and no instance meets the goal, so that no choice helps. Each is logged once, and again only after it
// was false in between.

import type { InstanceState, RouterState } from '../../core/service-router.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Observations behind an estimate that is believed. */
const SAMPLES_MIN = 20;
/** Of the requests, the share that goes to instances whose estimates are believed. */
const KNOWN_SHARE_MIN = 0.9;
/** Looks in a row that must agree: instances come one by one after a start. */
const LOOKS_MIN = 2;

interface Watched {
  alone: number;
  unmet: number;
}

/** Looks at the states of services and logs what explains a missed goal. */
export class GoalWatch {
  readonly #log: Logger;
  readonly #watched = new Map<string, Watched>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Called every few seconds with the state of all services. */
  look(states: readonly RouterState[]): void {
    for (const state of states) this.#lookAt(state);
  }

  #lookAt({ service, qos, instances }: RouterState): void {
    const watched = this.#watched.get(service) ?? { alone: 0, unmet: 0 };
    this.#watched.set(service, watched);
    watched.alone = instances.length === 1 ? watched.alone + 1 : 0;
    const best = bestOf(instances);
    watched.unmet = best !== null && best < qos.successRatio ? watched.unmet + 1 : 0;
    if (watched.alone === LOOKS_MIN) {
      this.#log.info(
        { service, instance: instances[0]?.key },
        'service has one instance: there is nothing to choose from',
      );
    }
    if (watched.unmet === LOOKS_MIN) {
      const { latencyMs, successRatio } = qos;
      this.#log.warn({ service, latencyMs, successRatio, bestRatio: best }, 'goal cannot be met: no instance meets it');
    }
  }
}

/** The best success probability; null while too little is known of where the requests go. */
function bestOf(instances: readonly InstanceState[]): number | null {
  const known = instances.filter(({ samples }) => samples >= SAMPLES_MIN);
  const share = known.reduce((sum, { weight }) => sum + weight, 0);
  return share < KNOWN_SHARE_MIN ? null : Math.max(...known.map(({ successProbability }) => successProbability ?? 1));
}
