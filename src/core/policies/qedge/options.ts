// The parameters of `qedge`, and the switches for studies that its ablation table is made with. Defaults were found by simulation at
// τ = 80 ms; what is a latency scales with τ, what is a time of control does not.
//
// Ablation: requests lost in %, without shedding, at a learning rate of 0.7 and a price of 0.6. The whole run of alone-poisson, d13-dynamic
// and hiccups in config/scenarios, seeds 101 and 102; the steady part of worlds of the train seeds: ten tight-1.1, eight recovered, two
// few-good, sixty mixed (`npm run bench:routing -- worlds --set train`).
//
// | | Poisson | D1.3 | hiccups | tight 1.1 | recovered | few good | drawn |
// | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
// | as it is | 0.1 | 0.4 | 6.3 | 2.9 | 8.1 | 1.3 | 31.5 |
// | two picks by weight in place of turns owed | 0.4 | 0.7 | 6.2 | 4.0 | 9.0 | 1.0 | 30.9 |
// | `price` 1 | 0.1 | 0.6 | 6.2 | 2.7 | 8.1 | 1.6 | 31.2 |
// | `learning_rate` 1 | 0.1 | 0.5 | 6.3 | 2.8 | 7.7 | 1.5 | 31.3 |
// | `own_baseline` off | 2.0 | 0.9 | 6.3 | 2.6 | 7.9 | 1.0 | 31.6 |
// | `memory` off | 0.1 | 0.6 | 6.2 | 3.0 | 7.7 | 16.3 | 32.1 |
// | `censoring` off | 0.1 | 0.4 | 6.3 | 3.0 | 8.4 | 1.2 | 32.1 |
// | `cold_start` off | 0.1 | 0.7 | 6.2 | 3.0 | 8.1 | 1.3 | 31.5 |
// | `floor` 0 | 0.1 | 0.2 | 6.3 | 2.6 | 35.2 | 0.4 | 31.7 |
// | `prior` 2 | 0.1 | 0.6 | 6.2 | 2.8 | 8.0 | 2.2 | 31.8 |
//
// With refusals, as they were before limits settled alike at any rate, each part switched off (train seeds; lost in % at tight-1.1, two worlds; capacity answered in time in overload,
// two worlds, and while it falls, one; success in two of the drawn worlds that are overloaded, one load balancer alone):
//
// | | tight 1.1 | overload | falls | drawn |
// | --- | ---: | ---: | ---: | ---: |
// | as it is | 1.5 | 77.1 | 64.5 | 75.6 |
// | `shed` off | 1.5 | 0 | 0.1 | 37.2 |
// | `own_baseline` off | 1.7 | 76.7 | 64.5 | 76.8 |
// | `memory` off | 1.8 | 76.7 | 62.8 | 76.6 |
// | `censoring` off | 1.5 | 77.5 | 64.1 | 78.2 |
// | `cold_start` off | 1.6 | 77.4 | 63.9 | 75.5 |
//
// Other forms of refusing, on the same kinds of worlds: a cut that follows what is refused, half a second until it begins, a first
// limit at half of what is answered, and no limit below what is answered in time gained nothing; limits that grow no quicker after
// a rest took 23 s to come back in place of 15.
//
// A few tenths are noise. What an instance takes when it is idle, its own and not the service's, earns its place where one load balancer
// fills its instances alone; without the cold start fewer clients are satisfied in tight worlds (88.8 % against 90.8). The floor finds
// one that recovered, censoring one that hangs. `deferral` and `pace` were not switched off again since turns are owed: before, each lost
// 30 of 100 where a load balancer made its queues itself.

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
