// An instance as the router keeps it: the one writable form of what policies see as `Candidate`.

import type { Availability, Candidate, Instance, InstanceKey } from '../domain.ts';
import type { InstanceResults } from './instance-results.ts';

/** One instance from its arrival to its removal. Written by the files of `router/` alone. */
export class LiveCandidate implements Candidate {
  readonly handle: number;
  readonly key: InstanceKey;
  readonly local: boolean;
  instance: Instance;
  rttMs: number;
  rttKnown = false;
  availability: Availability = 'up';
  isActive = true;
  /** As placement and health checks say; while it is ejected, it takes no traffic all the same. */
  placed: Availability = 'up';
  ejectedUntilMs: number = Number.NEGATIVE_INFINITY;
  /** What it lacks of what the service demands, for people; with anything, it is not to be used. */
  lacks: readonly string[] = [];
  inFlight = 0;
  streams = 0;
  oldestStartMs: number = Number.POSITIVE_INFINITY;
  /** Attempts started and failed here, all time. */
  requests = 0;
  failures = 0;
  /** Null before the verdict of an attempt was recorded. */
  results: InstanceResults | null = null;
  /** When an attempt was last answered here; -Infinity before the first. */
  answeredMs: number = Number.NEGATIVE_INFINITY;

  constructor(facts: {
    readonly handle: number;
    readonly key: InstanceKey;
    readonly local: boolean;
    readonly instance: Instance;
    readonly rttMs: number;
  }) {
    this.handle = facts.handle;
    this.key = facts.key;
    this.local = facts.local;
    this.instance = facts.instance;
    this.rttMs = facts.rttMs;
  }

  get ejected(): boolean {
    return this.availability !== this.placed;
  }
}
