// What a service asks for, as the core takes it.

import type { Requirements } from '../core/requirements/requirements.ts';
import type { SectionOf } from './key.ts';
import type { goalKeys, objectiveKeys } from './schema/service/qos.ts';

interface Written {
  readonly qos: SectionOf<typeof goalKeys>;
  readonly objective: SectionOf<typeof objectiveKeys>;
}

/** The requirements of a service, or of a scenario, which asks in the same words. */
export function requirementsOf({ qos, objective: { least, keepRatio } }: Written): Requirements {
  const { meanLatencyMs, reliabilityRatio, availability, throughput, accuracy, shares, security } = qos;
  return {
    meanLatencyMs,
    reliabilityRatio,
    availability,
    throughputPerSecondMin: throughput?.perSecondMin ?? null,
    shares: accuracy === null ? shares : [accuracy, ...shares],
    security,
    objective: least === null ? null : { least, keepRatio },
  };
}
