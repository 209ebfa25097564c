// A source of placements beside the broker: a watched file, DNS, containers, multicast DNS. Each reports all that
// it knows, again and again. What is used of it and what has changed is found in one place for all of them (intake.ts).

import type { Clock } from '../../core/clock.ts';
import type { Instance } from '../../core/domain.ts';
import type { Rng } from '../../core/rng.ts';
import type { Logger } from '../../telemetry/log.ts';

/** An instance, as a source says that it is there. */
export interface Announced {
  readonly instance: Instance;
  /** Where the source says so, for people: a file and an entry, a name, a container. */
  readonly where: string;
}

/** What a source is given. */
export interface SourceContext {
  /** This node. */
  readonly nodeId: string;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** What is known of the source's instances from before: brought back over a restart, or by the source before this one. */
  readonly kept: readonly Instance[];
  /** Every instance that there is now. Only from the first call on is what was kept over a restart forgotten. */
  readonly report: (all: readonly Announced[]) => void;
  /** Something that was meant as an instance, and is none. `error`: a `BadMessage`, most often. */
  readonly refuse: (where: string, error: unknown) => void;
  /** What is wrong with the source as a whole, in one sentence; null when nothing is any more. */
  readonly setTrouble: (trouble: string | null) => void;
}

/** A source that runs. */
export interface PlacementSource {
  start(): void;
  /** What this node itself announces now: for sources over which nodes speak to each other. */
  offer?(own: readonly Instance[]): void;
  /** `succeeded`: another process of this node goes on with what is announced. */
  stop(succeeded: boolean): Promise<void>;
}

/** Instances that one source may announce, of all services together. */
export const ANNOUNCED_MAX = 4_096;
