// The parameters of `qedge`, and the switches for studies that its ablation table is made with. Defaults were found by simulation at
// τ = 80 ms; what is a latency scales with τ, what is a time of control does not.
//
// Ablation: requests lost in %. Easy: the whole run of alone-poisson, d13-dynamic and hiccups in config/scenarios, seed 101, by
// `qedge simulate config/scenarios/alone-poisson.toml --seeds 101 --no-oracle --policy qedge,qedge:price=0,…`. Tight: the steady part of
// worlds of the train seeds, means of tight-1.1-1000, 1001 and 1003, and of recovered-1000 and 1001 and mixed-1003, 1013 and 1074, where
// the load balancers see much of the queues themselves.
//
// | | Poisson | D1.3 | hiccups | tight 1.1 | own queues |
// | --- | ---: | ---: | ---: | ---: | ---: |
// | as it is | 0.4 | 0.6 | 5.3 | 5.6 | 6.8 |
// | `price` 0 | 0.4 | 0.9 | 5.3 | 5.9 | 7.2 |
// | `deferral` off | 1.2 | 0.6 | 6.6 | 4.9 | 36.7 |
// | `pace` off | 0.9 | 0.6 | 6.4 | 5.0 | 36.8 |
// | `own_baseline` off | 0.3 | 1.9 | 5.3 | 5.3 | 6.5 |
// | `memory` off | 0.5 | 0.7 | 5.2 | 5.7 | 7.1 |
// | `censoring` off | 0.4 | 0.6 | 5.4 | 5.8 | 7.0 |
// | `cold_start` off | 0.3 | 0.8 | 5.6 | 5.6 | 6.8 |
// | `floor` 0 | 0.4 | 0.1 | 5.3 | 5.4 | 7.4 |
//
// A few tenths are noise. What an instance takes when it is idle, its own and not the service's, earns its place by unlike round trips
// and hardware alone (D1.3); without the cold start fewer clients are satisfied in tight worlds (72 % against 84). The floor finds one
// that recovered, censoring one that hangs. In worlds drawn at random a learning rate of 0.7 answers 8 of 100 requests more in time than
// 1.5 does; 0.3 is too slow for what recovers.

import type { OptionValues } from '../options.ts';

export const QEDGE_OPTIONS = {
  step: { kind: 'duration', defaultMs: 500, minMs: 10, maxMs: 60_000, about: 'time between decision steps' },
  half_life: {
    kind: 'duration',
    defaultMs: 1500,
    minMs: 10,
    maxMs: 3_600_000,
    about: 'half-life of a sample inside the window',
  },
  learning_rate: {
    kind: 'number',
    default: 1,
    min: 0,
    max: 100,
    about: 'γ, speed of the log-weights per unit of cost, 1/s',
  },
  price: {
    kind: 'number',
    default: 0.8,
    min: 0,
    max: 10,
    about: 'λ, what full congestion pressure costs, in success probability',
  },
  pressure: {
    kind: 'number',
    default: 0.7,
    min: 0.001,
    max: 100,
    about: 'κ, excess latency that makes half of full pressure, in unloaded latencies',
  },
  floor: {
    kind: 'number',
    default: 0.005,
    min: 0,
    max: 1,
    about: 'φ, exploration share that the weights never fall below, in all',
  },
  prior: { kind: 'number', default: 1, min: 0.0001, max: 1000, about: 'n₀, pseudo-samples that the prior is worth' },
  fall_max: { kind: 'number', default: 3, min: 0, max: 1000, about: 'fastest fall of a log-weight, 1/s' },
  rise_max: { kind: 'number', default: 0.5, min: 0, max: 1000, about: 'fastest rise of a log-weight, 1/s' },
  own_baseline: {
    kind: 'boolean',
    default: true,
    about: 'measure congestion against what each instance itself takes unloaded',
    study: true,
  },
  baseline_rise: {
    kind: 'number',
    default: 0.002,
    min: 0,
    max: 1,
    about: 'how fast what an instance takes unloaded may rise, share per second',
  },
  memory: {
    kind: 'boolean',
    default: true,
    about: 'how attempts ended over W and longer, as the prior of the estimate that fades',
    study: true,
  },
  shed: {
    kind: 'boolean',
    default: true,
    about: 'while nearly all answers are late, refuse what no instance has room for, so that the rest is in time',
  },
  censoring: {
    kind: 'boolean',
    default: true,
    about: 'count overdue requests as failures before they end',
    study: true,
  },
  deferral: { kind: 'boolean', default: true, about: 'pass over an instance that is late right now', study: true },
  pace: {
    kind: 'boolean',
    default: true,
    about: 'let a turn pass to where one more request costs less, by what is in flight',
  },
  cold_start: {
    kind: 'boolean',
    default: true,
    about: 'begin with weights by round trip instead of equal ones',
    study: true,
  },
} as const;

export type QedgeOptions = OptionValues<typeof QEDGE_OPTIONS>;

/** τ that the constants below were found at. */
const STUDY_LATENCY_MS = 80;

/** The latencies of the pseudo-code, in ms, for this service's τ. */
export interface QedgeScale {
  /** Unloaded processing latency assumed before there are 20 samples (8 ms at τ = 80 ms). */
  readonly unloadedMs: number;
  /** Margin (4 ms) and width (6 ms) of the prior success probability. */
  readonly priorMarginMs: number;
  readonly priorWidthMs: number;
  readonly bandwidthMsMin: number;
  readonly bandwidthMsMax: number;
  /** How long a first miss makes late (80 ms); each further miss in a row triples it, up to `lateMsMax`. */
  readonly lateMs: number;
  readonly lateMsMax: number;
}

/** Deviation: the pseudo-code has these as constants; a service with τ = 1 s has as much more of everything. */
export function scaleTo(latencyMs: number): QedgeScale {
  const scale = latencyMs / STUDY_LATENCY_MS;
  return {
    unloadedMs: 8 * scale,
    priorMarginMs: 4 * scale,
    priorWidthMs: 6 * scale,
    bandwidthMsMin: 1,
    bandwidthMsMax: Math.max(1, 8 * scale),
    lateMs: 80 * scale,
    lateMsMax: Math.max(4000, 80 * scale),
  };
}
