// What the main thread and its workers say to each other.

import type { Config } from '../../config/config.ts';
import type { ChainState } from '../../core/chain/chain.ts';
import type { Summary } from '../../core/neighbours/summary.ts';
import type { InstanceState, RouterEvent, ServiceOverview } from '../../core/service-router.ts';
import type { BoundListener } from '../../proxy/proxy.ts';
import type { MetricsExport } from '../../telemetry/metrics.ts';
import type { FinishedAttempt } from '../data-plane/attempt-tap.ts';
import type { ControlMessage } from '../data-plane/control-message.ts';
import type { Answer, WorkerQuery } from '../data-plane/queries.ts';

/** What a worker starts with. */
export interface WorkerStart {
  readonly config: Config;
  /** Version of qedge. */
  readonly version: string;
  readonly seed: number;
  /** `performance.timeOrigin` of the main thread, so that all are on one axis of time. */
  readonly timeOriginMs: number;
  /** Its number among the event loops, from 1 on, and what they share; null: nothing. */
  readonly loop: number;
  readonly flightsMemory: SharedArrayBuffer | null;
  /** How often it says how it is while it is asked for anything. */
  readonly reportMs: number;
}

export type ToWorker =
  | {
      readonly kind: 'listen';
      readonly sockets: ReadonlyMap<string, number>;
      readonly shared: readonly BoundListener[];
    }
  | ControlMessage
  | { readonly kind: 'ask'; readonly id: number; readonly query: WorkerQuery }
  /** It is to say how it is. */
  | { readonly kind: 'report' }
  /** Attempts of the service are reported from now on, or no more. */
  | { readonly kind: 'tap'; readonly service: string; readonly on: boolean }
  | { readonly kind: 'drain'; readonly succeeded: boolean };

export type FromWorker =
  | { readonly kind: 'listening' }
  /** The worker could not start. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Lines of JSON: the main thread alone writes to standard output. */
  | { readonly kind: 'log'; readonly lines: readonly string[] }
  | { readonly kind: 'event'; readonly service: string; readonly event: RouterEvent }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer | null }
  | { readonly kind: 'attempts'; readonly service: string; readonly attempts: readonly FinishedAttempt[] }
  | {
      readonly kind: 'report';
      /** It says nothing more until it is asked, or told to. */
      readonly rests: boolean;
      readonly overviews: readonly ServiceOverview[];
      readonly chains: readonly ChainState[];
      /** What it saw since it reported last, by service, for neighbours. */
      readonly summaries: readonly (readonly [service: string, summary: Summary])[];
      readonly metrics: MetricsExport;
    }
  /** Some instances of a service, behind those that were sent before; `last`: these are all. */
  | {
      readonly kind: 'instances';
      readonly service: string;
      /** When they were read, on the clock of the main thread. */
      readonly nowMs: number;
      readonly states: readonly InstanceState[];
      readonly last: boolean;
    };
