// A log of real decisions: which instances could have been chosen, which was, with which share, and how it ended. Lines of JSON,
// in the order in which they became known, so an attempt stands where it ended and says when it began.

import type { AttemptResult, Availability, Instance, InstanceKey, QosTarget } from './domain.ts';

/** Version of the form of the lines. */
export const DECISION_LOG_VERSION = 1;

/** The first line. */
export interface DecisionLogHeader {
  readonly kind: 'header';
  readonly version: typeof DECISION_LOG_VERSION;
  readonly service: string;
  readonly nodeId: string;
  readonly policy: string;
  readonly qos: QosTarget;
}

/** A line after the header; times in ms. */
export type DecisionLogLine =
  /** An instance as it is from now on: new, or with another availability or round trip. */
  | {
      readonly kind: 'instance';
      /** Time since the log began, ms, as everywhere below. */
      readonly atMs: number;
      readonly instance: Instance;
      readonly availability: Availability;
      /** Null while it is not measured. */
      readonly rttMs: number | null;
    }
  | { readonly kind: 'gone'; readonly atMs: number; readonly key: InstanceKey }
  | {
      readonly kind: 'attempt';
      /** When it was sent. */
      readonly atMs: number;
      readonly key: InstanceKey;
      /** Share of requests that its instance was meant to get when it was sent. */
      readonly weight: number;
      readonly latencyMs: number;
      readonly result: AttemptResult;
    };

/** A whole log. */
export interface DecisionLog {
  readonly header: DecisionLogHeader;
  readonly lines: readonly DecisionLogLine[];
}
