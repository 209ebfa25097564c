// The parameters of `qedge`, and the switches for studies: each takes one part away. Defaults were found by simulation at τ = 80 ms; what
// is a latency scales with τ, what is a time of control does not.
//
// What a part is for: the floor finds an instance that recovered, censoring one that hangs; `memory` keeps the clients away from what was
// bad where few instances are good; `own_baseline` is for a load balancer that fills its instances alone.

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

/** The τ that the constants below were found at. */
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
