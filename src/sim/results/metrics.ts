// What a run comes to: the figures by which policies are judged, computed from the recorder's counts.

import type { Scenario } from '../scenario.ts';
import { disturbancesOf } from './disturbances.ts';
import type { Recorder } from './recorder.ts';
import { type RequirementMetrics, requirementMetrics } from './requirements.ts';
import {
  clientRatios,
  convergedAfterS,
  instanceTotals,
  quantileOf,
  ROLLING_S,
  ratioIn,
  rollingAt,
  type Span,
  sum,
  type Totals,
  totalsBySecond,
} from './totals.ts';

/** Figures of one run: shares in [0, 1], times in ms. */
export interface RunMetrics {
  readonly requests: number;
  /** Share of all requests that succeeded. */
  readonly successRatio: number;
  /** The same from `steadyFromMs` on. */
  readonly steadySuccessRatio: number;
  /** Share of clients of whose requests at least ρ succeeded, over the whole run. */
  readonly satisfiedRatio: number;
  /** Those of them that got ρ in at least 90 % of their sliding windows W, too (as a share of all). */
  readonly strictlySatisfiedRatio: number;
  /** Success share of the client served worst; 1 when nothing was sent. */
  readonly worstClientRatio: number;
  /** Jain's index over the instances' requests: (Σx)² / (n·Σx²). */
  readonly jainIndex: number;
  /** Seconds until the rolling success stays within 2 points of its final level, before any event; null: it never does. */
  readonly convergenceS: number | null;
  /** Share of all requests that the load balancers refused. */
  readonly shedRatio: number;
  /** Attempts per request. */
  readonly attemptsRatio: number;
  /** End-to-end latency of what was answered, ms; NaN when nothing was. */
  readonly latencyMeanMs: number;
  readonly latencyP50Ms: number;
  readonly latencyP90Ms: number;
  readonly latencyP99Ms: number;
  readonly answersPerSecond: number;
  /** What an answer cost and gave on average, by the profiles of the instances; null where none has any. */
  readonly energyMwh: number | null;
  readonly accuracy: number | null;
  /** Empty where nothing is required beside the latency goal; the last one is all of them together. */
  readonly requirements: readonly RequirementMetrics[];
  readonly endings: Recorder['endings'];
  /** Requests that succeed under the oracle and did not here, net; null without an oracle. */
  readonly regretRequests: number | null;
  readonly disturbances: readonly DisturbanceMetrics[];
}

/** One event of the scenario, or clients that came or left, and what it did to success. */
export interface DisturbanceMetrics {
  readonly label: string;
  readonly atS: number;
  /** Success over the 20 s before. */
  readonly beforeRatio: number;
  /** Success from the event until the next one. */
  readonly successRatio: number;
  /** Lowest rolling success over 10 s that follows, until the next one. */
  readonly lowestRatio: number;
  /** Success over the first 10 s of it. */
  readonly firstRatio: number;
  /** Points lost: before − lowest. */
  readonly dipRatio: number;
  /** Seconds until the rolling success stays within 2 points of its new final level; null: it never does. */
  readonly recoveryS: number | null;
  /** Share of satisfied clients from the event until the next one. */
  readonly satisfiedAfterRatio: number;
  readonly worstClientAfterRatio: number;
}

const STRICT_WINDOWS_RATIO = 0.9;
/** Level before an event: over this many seconds. */
const BEFORE_S = 20;

/** The metrics of a run. `oracle`: that of the same world, for the regret; null: there is none. */
export function computeMetrics(recorder: Recorder, scenario: Scenario, oracle: Recorder | null): RunMetrics {
  const { endings } = recorder;
  const { seconds } = recorder.shape;
  const whole = { fromS: 0, toS: seconds };
  const totals = totalsBySecond(recorder);
  const disturbances = disturbancesOf(scenario);
  const clients = clientRatios(recorder, whole);
  const rho = scenario.qos.successRatio;
  const calm = { fromS: 0, toS: Math.min(seconds, disturbances[0]?.atS ?? seconds) };
  const latency = (quantile: number): number => quantileOf(recorder.latency, 0, quantile) ?? Number.NaN;
  const requests = sum(totals.sent, whole);
  return {
    requests,
    successRatio: ratioIn(totals, whole),
    steadySuccessRatio: ratioIn(totals, { fromS: Math.min(seconds - 1, scenario.steadyFromMs / 1_000), toS: seconds }),
    satisfiedRatio: shareOf(clients, (ratio) => ratio >= rho),
    strictlySatisfiedRatio: strictlySatisfied(recorder, scenario),
    worstClientRatio: leastOf(clients),
    jainIndex: jain(instanceTotals(recorder)),
    convergenceS: convergedAfterS(totals, calm),
    shedRatio: endings.shed / Math.max(1, requests),
    attemptsRatio: recorder.attempts / Math.max(1, requests),
    latencyMeanMs: recorder.latencySumMs / (endings.success + endings.late),
    latencyP50Ms: latency(0.5),
    latencyP90Ms: latency(0.9),
    latencyP99Ms: latency(0.99),
    answersPerSecond: (endings.success + endings.late) / seconds,
    energyMwh: meanOf(recorder.energyMwh),
    accuracy: meanOf(recorder.accuracy),
    requirements: requirementMetrics(recorder, scenario),
    endings,
    regretRequests:
      oracle === null ? null : sum(totalsBySecond(oracle).succeeded, whole) - sum(totals.succeeded, whole),
    disturbances: disturbances.map(({ atS, label }, i) => {
      const span = { fromS: atS, toS: disturbances[i + 1]?.atS ?? seconds };
      return disturbanceMetrics(label, span, { recorder, totals, rho });
    }),
  };
}

function meanOf({ sum, answers }: Recorder['energyMwh']): number | null {
  return answers === 0 ? null : sum / answers;
}

function strictlySatisfied(recorder: Recorder, { qos }: Scenario): number {
  const { shape, sent, succeeded } = recorder;
  const windowS = Math.max(1, Math.round(qos.windowMs / 1_000));
  let clients = 0;
  let strict = 0;
  for (let c = 0; c < shape.clients; c++) {
    const row = c * shape.seconds;
    const windows = { all: 0, good: 0 };
    let total = 0;
    let good = 0;
    let totalInWindow = 0;
    let goodInWindow = 0;
    for (let s = 0; s < shape.seconds; s++) {
      total += sent[row + s] as number;
      good += succeeded[row + s] as number;
      totalInWindow += sent[row + s] as number;
      goodInWindow += succeeded[row + s] as number;
      if (s >= windowS) {
        totalInWindow -= sent[row + s - windowS] as number;
        goodInWindow -= succeeded[row + s - windowS] as number;
      }
      if (s < windowS - 1 || totalInWindow === 0) continue;
      windows.all++;
      if (goodInWindow / totalInWindow >= qos.successRatio) windows.good++;
    }
    if (total === 0) continue;
    clients++;
    if (good / total >= qos.successRatio && windows.good >= STRICT_WINDOWS_RATIO * windows.all) strict++;
  }
  return clients === 0 ? 1 : strict / clients;
}

export function jain(values: readonly number[]): number {
  const total = values.reduce((a, x) => a + x, 0);
  const squares = values.reduce((a, x) => a + x * x, 0);
  return squares === 0 ? 1 : (total * total) / (values.length * squares);
}

function disturbanceMetrics(
  label: string,
  span: Span,
  { recorder, totals, rho }: { recorder: Recorder; totals: Totals; rho: number },
): DisturbanceMetrics {
  const beforeRatio = ratioIn(totals, { fromS: Math.max(0, span.fromS - BEFORE_S), toS: span.fromS });
  let lowestRatio = 1;
  for (let endS = Math.floor(span.fromS) + 1; endS <= span.toS; endS++) {
    // Windows that reach back before the event are whole ones: the mixture is what a dashboard would show.
    lowestRatio = Math.min(lowestRatio, rollingAt(totals, endS, 0) ?? 1);
  }
  const clients = clientRatios(recorder, span);
  return {
    label,
    atS: span.fromS,
    beforeRatio,
    successRatio: ratioIn(totals, span),
    lowestRatio,
    firstRatio: ratioIn(totals, { fromS: span.fromS, toS: Math.min(span.toS, span.fromS + ROLLING_S) }),
    dipRatio: beforeRatio - lowestRatio,
    recoveryS: convergedAfterS(totals, span),
    satisfiedAfterRatio: shareOf(clients, (ratio) => ratio >= rho),
    worstClientAfterRatio: leastOf(clients),
  };
}

function shareOf(values: readonly number[], holds: (value: number) => boolean): number {
  return values.length === 0 ? 1 : values.filter(holds).length / values.length;
}

/** 1 for none. A loop, since there may be more clients than a call takes arguments. */
function leastOf(ratios: readonly number[]): number {
  return ratios.reduce((least, ratio) => Math.min(least, ratio), 1);
}
