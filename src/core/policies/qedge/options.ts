// The parameters of `qedge` and the switches that its ablation table is made with. Defaults were found by simulation at
// τ = 80 ms; what is a latency scales with τ, what is a time of control does not.
//
// Ablation: requests lost in %, learning included, mean of seeds 1 to 4 of the scenarios in config/scenarios (PS, FS: paper-ps
// and paper-fs at the load given; hang, errors: one instance; D1.3: d13-dynamic; mixed: mixed-hardware; hetero: heterogeneous;
// alone: one balancer by itself, at the load given and with Poisson clients).
//
// |                                  | PS 1.0 | PS 1.2 | FS 1.2 | hang | errors | D1.3 | mixed | hetero | alone | alone 1.5 | Poisson | hiccups |
// | -------------------------------- | -----: | -----: | -----: | ---: | -----: | ---: | ----: | -----: | ----: | --------: | ------: | ------: |
// | as it is                         |   0.22 |   0.50 |   0.56 | 0.29 |   0.30 | 0.11 |  0.14 |   0.28 |  0.04 |      0.13 |    0.15 |    7.66 |
// | γ 1.5, half-life 1.5 s, λ 0.2    |   0.37 |   0.76 |   0.70 | 0.49 |   0.50 | 0.16 |  0.14 |   0.44 |  0.03 |      0.07 |    0.14 |    7.62 |
// | `price` 0                        |   0.25 |   0.52 |   0.58 | 0.38 |   0.36 | 0.18 |  0.13 |   0.38 |  0.03 |      0.22 |    0.22 |    7.68 |
// | `deferral` off                   |   0.23 |   0.56 |  22.44 | 0.38 |   0.33 | 0.13 |  0.30 |   0.53 |  0.17 |      1.51 |    0.47 |    6.78 |
// | `queueing` off                   |   0.22 |   0.52 |   0.55 | 0.29 |   0.31 | 0.11 |  0.12 |   0.31 |  0.08 |      0.22 |    0.29 |    6.41 |
// | `shrinkage` off                  |   0.21 |   0.43 |   0.53 | 0.28 |   0.29 | 0.11 |  0.12 |   0.21 |  0.04 |      0.16 |    0.16 |    8.76 |
// | `own_baseline` off               |   0.21 |   0.44 |   0.56 | 0.29 |   0.30 | 0.18 |  0.75 |   0.29 |  1.69 |      1.28 |    3.22 |    9.04 |
// | `window_prior` off               |   0.23 |   0.53 |   0.56 | 0.32 |   0.33 | 0.12 |  1.14 |   0.31 |  0.10 |      0.19 |    0.45 |    9.14 |
// | `censoring` off                  |   0.21 |   0.47 |   0.54 | 0.30 |   0.31 | 0.11 |  0.14 |   0.29 |  0.04 |      0.12 |    0.15 |    8.07 |
// | `feasibility` off                |   0.21 |   0.50 |   0.54 | 0.28 |   0.29 | 0.42 |  0.14 |   0.29 |  0.04 |      0.13 |    0.15 |    7.66 |
// | `cold_start` off                 |   0.23 |   0.51 |   0.58 | 0.33 |   0.35 | 0.11 |  0.11 |   0.31 |  0.00 |      0.04 |    0.10 |    7.64 |
// | `candidates_max` 100 (no subset) |   0.29 |   0.54 |   0.63 | 0.37 |   0.37 | 0.11 |  0.14 |   0.24 |  0.04 |      0.13 |    0.15 |    7.66 |
// | `floor` 0                        |   0.21 |   0.47 |   0.50 | 0.31 |   0.30 | 0.07 |  0.08 |   0.27 |  0.03 |      0.15 |    0.19 |    7.77 |
// | `make_up` off                    |   0.20 |   0.47 |   0.50 | 0.28 |   0.28 | 0.11 |  0.13 |   0.28 |  0.04 |      0.11 |    0.12 |    7.45 |
//
// Differences of 0.05 points are noise, of 1 in the last column. Deferral carries the most: without it quick weights herd under
// stalls, and the whole system stays in overload. `own_baseline`, `window_prior` and `shrinkage` cost a little where all instances
// are alike and are worth much where they are not, where one balancer fills them, or where all of them stutter at once, which is
// the rule at the edge. Floor and make-up earn nothing here: the floor is kept because without it nobody would notice an instance
// that recovered, make-up because the promise is per client. Without its bound of one request in twenty it was the ruin of a
// balancer alone: 4.1 % lost at load 1.5, since the requests of those who fared worse filled the quickest instance, and others
// fared worse for it.

import type { OptionValues } from '../options.ts';

export const QEDGE_OPTIONS = {
  step: { kind: 'duration', defaultMs: 500, minMs: 10, maxMs: 60_000, about: 'time between decision steps' },
  half_life: {
    kind: 'duration',
    defaultMs: 2000,
    minMs: 10,
    maxMs: 3_600_000,
    about: 'half-life of a sample inside the window',
  },
  learning_rate: {
    kind: 'number',
    default: 5,
    min: 0,
    max: 100,
    about: 'γ, speed of the log-weights per unit of cost, 1/s',
  },
  price: {
    kind: 'number',
    default: 0.1,
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
  candidates_max: { kind: 'integer', default: 8, min: 1, max: 4096, about: 'instances in play at a time' },
  nearest: { kind: 'integer', default: 3, min: 0, max: 4096, about: 'how many of them are the nearest' },
  rotation: {
    kind: 'duration',
    defaultMs: 5000,
    minMs: 10,
    maxMs: 3_600_000,
    about: 'how often the weakest is swapped for a fresh one',
  },
  feasibility: {
    kind: 'boolean',
    default: true,
    about: 'leave out instances that cannot meet the limit by round trip',
  },
  own_baseline: {
    kind: 'boolean',
    default: true,
    about: 'measure congestion against what each instance itself takes unloaded',
  },
  baseline_rise: { kind: 'number', default: 0.01, min: 0, max: 1, about: 'how fast that may rise, share per second' },
  window_prior: {
    kind: 'boolean',
    default: true,
    about: 'the whole window, all samples alike, as the prior of the estimate that fades',
  },
  shrinkage: {
    kind: 'boolean',
    default: true,
    about: 'believe differences between instances only as far as chance does not explain them',
  },
  censoring: { kind: 'boolean', default: true, about: 'count overdue requests as failures before they end' },
  deferral: { kind: 'boolean', default: true, about: 'pass over an instance that is late right now' },
  queueing: {
    kind: 'boolean',
    default: true,
    about: 'pass over an instance where the own requests in flight already make a queue too long',
  },
  cold_start: { kind: 'boolean', default: true, about: 'begin with weights by round trip instead of equal ones' },
  make_up: {
    kind: 'boolean',
    default: true,
    about: 'send clients that are worse served than the others to no instance that is late right now',
  },
  make_up_margin: {
    kind: 'number',
    default: 0.05,
    min: 0,
    max: 1,
    about: 'how much worse, in success share over the window',
  },
} as const;

export type QedgeOptions = OptionValues<typeof QEDGE_OPTIONS>;

/** τ that the constants below were found at. */
const STUDY_LATENCY_MS = 80;

/** The latencies of the pseudo-code, in ms, for this service's τ. */
export interface QedgeScale {
  /** Unloaded processing latency assumed before 20 samples tell it (8 ms at τ = 80 ms). */
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
