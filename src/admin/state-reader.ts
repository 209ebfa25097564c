// Puts together what the admin port tells, anew at each reading, from what the composition root lets it see.

import type { Clock } from '../core/clock.ts';
import type { RouterState, ServiceRouter } from '../core/service-router.ts';
import type { EventLog } from '../telemetry/events.ts';
import type { ProcessFacts } from '../telemetry/process-facts.ts';
import { type Lifecycle, type Readiness, readiness } from './readiness.ts';
import type { NodeFacts, QedgeEvent, StateDocument } from './state.ts';

/** What the admin port needs of a router. */
export type ObservedService = Pick<ServiceRouter, 'service' | 'state' | 'candidates'>;

export interface StateSources {
  /** The routers by service; asked at each reading, so a reload shows at once. */
  readonly services: () => ReadonlyMap<string, ObservedService>;
  readonly node: () => NodeFacts;
  readonly lifecycle: () => Lifecycle;
  readonly events: EventLog<QedgeEvent>;
  /** The clock that drives the routers. */
  readonly clock: Clock;
}

export interface StateReader {
  readiness(): Readiness;
  services(): readonly RouterState[];
  document(): StateDocument;
}

export function createStateReader(sources: StateSources, processFacts: () => ProcessFacts): StateReader {
  const services = (): readonly RouterState[] => {
    const nowMs = sources.clock.nowMs();
    return [...sources.services().values()].map((service) => service.state(nowMs));
  };
  const ready = (): Readiness =>
    readiness(
      sources.lifecycle(),
      new Map([...sources.services()].map(([name, service]) => [name, service.candidates.length])),
    );
  return {
    readiness: ready,
    services,
    document() {
      const now = ready();
      return {
        time: new Date().toISOString(),
        lastEventSequence: sources.events.lastSequence,
        ready: now.ready,
        notReadyReasons: now.reasons,
        node: { ...sources.node(), nodejs: process.versions.node, arch: process.arch, process: processFacts() },
        services: services(),
      };
    },
  };
}
