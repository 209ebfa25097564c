// What no request shows of a service and what explains much: there is one instance only, so that there is nothing to choose; no
// instance meets the goal, or has what a requirement asks for, or says what the objective is to save, so that no choice helps. Each is
// logged once, and again only after it was false in between.

import { readProfile } from '../../core/profile.ts';
import type { Objective } from '../../core/requirements/requirements.ts';
import type { InstanceState, RouterState } from '../../core/service-router.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Observations behind an estimate that is believed. */
const SAMPLES_MIN = 20;
/** The share of the requests that goes to instances whose estimates are believed. */
const KNOWN_SHARE_MIN = 0.9;
/** Looks in a row that must agree: instances come one by one after a start. */
const LOOKS_MIN = 2;

interface Watched {
  alone: number;
  unmet: number;
  /** By requirement: looks at which no instance served it. */
  readonly unserved: Map<string, number>;
  /** Looks at which no instance said what it takes of what is to be saved. */
  unsaid: number;
}

/** What a service is to spend least of; null: nothing. */
export type ObjectiveOf = (service: string) => Objective['least'] | null;

/** Looks at the states of services and logs what explains a missed goal. */
export class GoalWatch {
  readonly #log: Logger;
  readonly #objectiveOf: ObjectiveOf;
  readonly #watched = new Map<string, Watched>();

  constructor(log: Logger, objectiveOf: ObjectiveOf) {
    this.#log = log;
    this.#objectiveOf = objectiveOf;
  }

  /** Called every few seconds with the state of each service. */
  look(state: RouterState): void {
    const { service, qos, instances } = state;
    const watched = this.#watched.get(service) ?? { alone: 0, unmet: 0, unserved: new Map(), unsaid: 0 };
    this.#watched.set(service, watched);
    watched.alone = instances.length === 1 ? watched.alone + 1 : 0;
    const best = bestOf(instances);
    watched.unmet = best !== null && best < qos.successRatio ? watched.unmet + 1 : 0;
    this.#lookAtRequirements(state, watched.unserved);
    this.#lookAtObjective(state, watched);
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

  /** Attributes are known before anything was asked: of the others, nothing is said here. What is barred serves none. */
  #lookAtRequirements({ service, requirements, instances }: RouterState, unserved: Map<string, number>): void {
    const admitted = instances.filter(({ serves }) => serves.security !== false);
    for (const { requirement, heldShare } of requirements) {
      if (heldShare === null && requirement !== 'security') continue;
      const isServed = instances.length === 0 || admitted.some(({ serves }) => serves[requirement] === true);
      const looks = isServed ? 0 : (unserved.get(requirement) ?? 0) + 1;
      unserved.set(requirement, looks);
      if (looks !== LOOKS_MIN) continue;
      this.#log.warn(
        { service, requirement, instances: instances.length },
        'no instance has what a requirement asks for',
      );
    }
  }

  #lookAtObjective({ service, instances }: RouterState, watched: Watched): void {
    const least = this.#objectiveOf(service);
    watched.unsaid = least !== null && saysNothing(instances, least) ? watched.unsaid + 1 : 0;
    if (watched.unsaid !== LOOKS_MIN) return;
    this.#log.warn(
      { service, least, instances: instances.length },
      'nothing is saved: no instance has in its profile what the objective is to spend least of',
    );
  }
}

/** What an instance that is barred says counts for nothing. */
function saysNothing(instances: readonly InstanceState[], least: Objective['least']): boolean {
  const admitted = instances.filter(({ lacks }) => lacks.length === 0);
  return admitted.length > 0 && admitted.every(({ instance }) => spentOf(instance, least) === null);
}

function spentOf({ profile }: InstanceState['instance'], least: Objective['least']): readonly number[] | null {
  const { energyMwh, cost } = readProfile(profile);
  return least === 'energy' ? energyMwh : cost;
}

/** The best success probability; null while too little is known of where the requests go. */
function bestOf(instances: readonly InstanceState[]): number | null {
  const known = instances.filter(({ samples }) => samples >= SAMPLES_MIN);
  const share = known.reduce((sum, { weight }) => sum + weight, 0);
  return share < KNOWN_SHARE_MIN ? null : Math.max(...known.map(({ successProbability }) => successProbability ?? 1));
}
