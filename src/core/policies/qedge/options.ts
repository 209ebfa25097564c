// The parameters of `qedge` and the switches that its ablation table is made with. Defaults were found by simulation at
// τ = 80 ms; what is a latency scales with τ, what is a time of control does not.
//
// Ablation: requests lost in %, learning included, mean of seeds 1 to 4 of the scenarios in config/scenarios (PS, FS: paper-ps
// and paper-fs at the load given; hang, errors: one instance; D1.3: d13-dynamic; mixed: mixed-hardware; hetero: heterogeneous;
// alone: one balancer by itself, at the load given and with Poisson clients; unlike: unlike-clients at 1.2).
//
// |                                  | PS 1.0 | PS 1.2 | FS 1.2 | hang | errors | D1.3 | mixed | hetero | alone | alone 1.5 | Poisson | hiccups | unlike |
// | -------------------------------- | -----: | -----: | -----: | ---: | -----: | ---: | ----: | -----: | ----: | --------: | ------: | ------: | -----: |
// | as it is                         |   0.20 |   0.51 |   0.54 | 0.29 |   0.31 | 0.11 |  0.14 |   0.28 |  0.03 |      0.11 |    0.14 |    7.73 |   2.38 |
// | γ 1.5, half-life 1.5 s, λ 0.2    |   0.36 |   0.75 |   0.71 | 0.50 |   0.49 | 0.16 |  0.14 |   0.45 |  0.03 |      0.07 |    0.11 |    7.75 |   3.28 |
// | `price` 0                        |   0.24 |   0.54 |   0.54 | 0.36 |   0.37 | 0.18 |  0.12 |   0.39 |  0.03 |      0.22 |    0.14 |    7.99 |   2.48 |
// | `deferral` off                   |   0.24 |   0.62 |  45.72 | 0.39 |   0.36 | 0.13 |  0.31 |   0.74 |  0.17 |     22.09 |    0.43 |    6.82 |   2.58 |
// | `queueing` off                   |   0.22 |   0.52 |   0.53 | 0.29 |   0.30 | 0.11 |  0.13 |   0.33 |  0.10 |      0.18 |    0.19 |    6.33 |   2.61 |
// | `shrinkage` off                  |   0.21 |   0.43 |   0.49 | 0.28 |   0.30 | 0.11 |  0.13 |   0.22 |  0.04 |      0.12 |    0.17 |    8.88 |   2.17 |
// | `own_baseline` off               |   0.21 |   0.46 |   0.50 | 0.29 |   0.29 | 0.18 |  0.85 |   0.30 |  2.36 |      1.42 |    3.33 |   10.09 |   2.36 |
// | `window_prior` off               |   0.23 |   0.55 |   0.58 | 0.32 |   0.32 | 0.12 |  1.99 |   0.30 |  0.18 |      0.11 |    0.38 |    9.08 |   2.34 |
// | `censoring` off                  |   0.22 |   0.48 |   0.54 | 0.30 |   0.31 | 0.11 |  0.14 |   0.28 |  0.03 |      0.12 |    0.14 |    8.13 |   2.31 |
// | `feasibility` off                |   0.20 |   0.51 |   0.55 | 0.29 |   0.30 | 0.42 |  0.14 |   0.29 |  0.03 |      0.11 |    0.14 |    7.73 |   2.35 |
// | `cold_start` off                 |   0.24 |   0.54 |   0.59 | 0.32 |   0.33 | 0.11 |  0.11 |   0.31 |  0.00 |      0.04 |    0.07 |    8.06 |   2.46 |
// | `candidates_max` 100 (no subset) |   0.28 |   0.57 |   0.59 | 0.36 |   0.36 | 0.11 |  0.14 |   0.25 |  0.03 |      0.11 |    0.14 |    7.73 |   2.52 |
// | `floor` 0                        |   0.20 |   0.51 |   0.52 | 0.30 |   0.29 | 0.07 |  0.09 |   0.27 |  0.03 |      0.13 |    0.13 |    7.93 |   2.30 |
// | `make_up` off                    |   0.20 |   0.47 |   0.50 | 0.28 |   0.28 | 0.11 |  0.13 |   0.28 |  0.04 |      0.11 |    0.12 |    7.45 |   2.39 |
//
// Differences of 0.05 points are noise, of 1 with hiccups. Deferral carries the most: without it quick weights herd under
// stalls, and the whole system stays in overload. `own_baseline`, `window_prior` and `shrinkage` cost a little where all instances
// are alike and are worth much where they are not, where one balancer fills them, or where all of them stutter at once, which is
// the rule at the edge. Floor and make-up earn nothing here: the floor is kept because without it nobody would notice an instance
// that recovered, make-up because the promise is per client. It must not send those who fare worse to the best instance: mostly
// they ask for more, and fill it by themselves (one request in twenty sent so: 2.97 instead of 2.38 with unlike clients).

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
