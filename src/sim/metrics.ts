// What a run comes to: the figures by which policies are judged, computed from the recorder's counts.

import { HISTOGRAM_BINS, type Recorder } from './recorder.ts';
import type { Scenario, ScenarioEvent } from './scenario.ts';

export interface RunMetrics {
  readonly requests: number;
  /** Share of all requests that succeeded. */
  readonly successRatio: number;
  /** The same from `steadyFromMs` on. */
  readonly steadySuccessRatio: number;
  /** Share of clients of whose requests at least ρ succeeded, over the whole run. */
  readonly satisfiedRatio: number;
  /** Of those clients, the ones that got ρ in at least 90 % of their sliding windows W, too (as a share of all). */
  readonly strictlySatisfiedRatio: number;
  /** Success share of the client served worst. */
  readonly worstClientRatio: number;
  /** Jain's index over the instances' requests: (Σx)² / (n·Σx²). */
  readonly jainIndex: number;
  /** Seconds until the rolling success stays within 2 points of its final level, before any event; null: it never does. */
  readonly convergenceS: number | null;
  /** Tries per request. */
  readonly triesRatio: number;
  /** End-to-end latency of what was answered, ms. */
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
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
  /** Lowest rolling success over 10 s that follows, until the next one. */
  readonly lowestRatio: number;
  /** Success over the first 10 s of it. */
  readonly firstRatio: number;
  /** Points lost: before − lowest. */
  readonly dipRatio: number;
  /** Seconds until the rolling success stays within 2 points of its new final level; null: it never does. */
  readonly recoveryS: number | null;
  /** From the event until the next one. */
  readonly satisfiedAfterRatio: number;
  readonly worstClientAfterRatio: number;
}

/** What the plots show. */
export interface RunSeries {
  /** Success over the last 10 s, by second; null where there were no requests. */
  readonly rollingSuccess: readonly (number | null)[];
  /** Success share of each client, sorted. */
  readonly clients: readonly number[];
  /** Requests per second that came to each instance, on average. */
  readonly instanceRates: readonly number[];
  /** 90th percentile of processing latency of each instance, ms; null without answers. */
  readonly instanceP90Ms: readonly (number | null)[];
  /** Share of its requests that a load balancer sent to each instance: [balancer][instance]. */
  readonly balancerShares: readonly (readonly number[])[];
  /** Requests lost against the oracle so far, by second; null without an oracle. */
  readonly cumulativeRegret: readonly number[] | null;
}

/** Rolling success is over this many seconds (the paper's figure 6). */
export const ROLLING_S = 10;
const WITHIN = 0.02;
const STRICT_WINDOWS_RATIO = 0.9;
const BEFORE_S = 20;

interface Span {
  readonly fromS: number;
  readonly toS: number;
}

export function computeMetrics(recorder: Recorder, scenario: Scenario, oracle: Recorder | null): RunMetrics {
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
    worstClientRatio: Math.min(...clients),
    jainIndex: jain(instanceTotals(recorder)),
    convergenceS: settledAfterS(totals, calm),
    triesRatio: recorder.tries / Math.max(1, requests),
    latencyP50Ms: latency(0.5),
    latencyP99Ms: latency(0.99),
    endings: recorder.endings,
    regretRequests:
      oracle === null ? null : sum(totalsBySecond(oracle).succeeded, whole) - sum(totals.succeeded, whole),
    disturbances: disturbances.map(({ atS, label }, i) => {
      const span = { fromS: atS, toS: disturbances[i + 1]?.atS ?? seconds };
      return disturbanceMetrics(label, span, { recorder, totals, rho });
    }),
  };
}

export function computeSeries(recorder: Recorder, oracle: Recorder | null): RunSeries {
  const { seconds, instances, balancers } = recorder.shape;
  const whole = { fromS: 0, toS: seconds };
  const totals = totalsBySecond(recorder);
  const oracleTotals = oracle === null ? null : totalsBySecond(oracle);
  let lost = 0;
  return {
    rollingSuccess: Array.from({ length: seconds }, (_, s) => rollingAt(totals, s + 1, 0)),
    clients: clientRatios(recorder, whole).sort((a, b) => a - b),
    instanceRates: instanceTotals(recorder).map((total) => total / seconds),
    instanceP90Ms: Array.from({ length: instances }, (_, i) => quantileOf(recorder.processing, i, 0.9)),
    balancerShares: Array.from({ length: balancers }, (_, b) => {
      const row = [...recorder.routed.subarray(b * instances, (b + 1) * instances)];
      const total = row.reduce((a, x) => a + x, 0);
      return row.map((x) => (total === 0 ? 0 : x / total));
    }),
    cumulativeRegret:
      oracleTotals === null
        ? null
        : Array.from({ length: seconds }, (_, s) => {
            lost += (oracleTotals.succeeded[s] as number) - (totals.succeeded[s] as number);
            return lost;
          }),
  };
}

interface Totals {
  readonly sent: Float64Array;
  readonly succeeded: Float64Array;
}

function totalsBySecond({ shape, sent, succeeded }: Recorder): Totals {
  const totals = { sent: new Float64Array(shape.seconds), succeeded: new Float64Array(shape.seconds) };
  for (let i = 0; i < sent.length; i++) {
    (totals.sent[i % shape.seconds] as number) += sent[i] as number;
    (totals.succeeded[i % shape.seconds] as number) += succeeded[i] as number;
  }
  return totals;
}

function sum(values: Float64Array, { fromS, toS }: Span): number {
  let total = 0;
  for (let s = Math.floor(fromS); s < toS; s++) total += values[s] ?? 0;
  return total;
}

/** 1 where nothing was sent: nothing was lost. */
function ratioIn(totals: Totals, span: Span): number {
  const sent = sum(totals.sent, span);
  return sent === 0 ? 1 : sum(totals.succeeded, span) / sent;
}

/** Over the 10 s that end at `endS`, fewer at the start; null where nothing was sent. */
function rollingAt(totals: Totals, endS: number, notBeforeS: number): number | null {
  const span = { fromS: Math.max(notBeforeS, endS - ROLLING_S), toS: endS };
  const sent = sum(totals.sent, span);
  return sent === 0 ? null : sum(totals.succeeded, span) / sent;
}

/** Success share of each client that sent anything within the span. */
function clientRatios({ shape, sent, succeeded }: Recorder, { fromS, toS }: Span): number[] {
  const ratios: number[] = [];
  for (let c = 0; c < shape.clients; c++) {
    let total = 0;
    let good = 0;
    for (let s = Math.floor(fromS); s < toS; s++) {
      total += sent[c * shape.seconds + s] ?? 0;
      good += succeeded[c * shape.seconds + s] ?? 0;
    }
    if (total > 0) ratios.push(good / total);
  }
  return ratios;
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
      if (goodInWindow >= qos.successRatio * totalInWindow) windows.good++;
    }
    if (total === 0) continue;
    clients++;
    if (good >= qos.successRatio * total && windows.good >= STRICT_WINDOWS_RATIO * windows.all) strict++;
  }
  return clients === 0 ? 1 : strict / clients;
}

function instanceTotals({ shape, arrivals }: Recorder): number[] {
  return Array.from({ length: shape.instances }, (_, i) =>
    arrivals.subarray(i * shape.seconds, (i + 1) * shape.seconds).reduce((a, x) => a + x, 0),
  );
}

export function jain(values: readonly number[]): number {
  const total = values.reduce((a, x) => a + x, 0);
  const squares = values.reduce((a, x) => a + x * x, 0);
  return squares === 0 ? 1 : (total * total) / (values.length * squares);
}

/** Seconds from the start of the span until the rolling success stays within 2 points of the level in the span's last third. */
function settledAfterS(totals: Totals, span: Span): number | null {
  const level = ratioIn(totals, {
    fromS: span.toS - Math.max(1, Math.floor((span.toS - span.fromS) / 3)),
    toS: span.toS,
  });
  const startS = Math.floor(span.fromS);
  for (let endS = Math.ceil(span.toS); endS > startS; endS--) {
    const rolling = rollingAt(totals, endS, startS);
    if (rolling === null || Math.abs(rolling - level) <= WITHIN) continue;
    return endS >= span.toS ? null : endS + 1 - startS;
  }
  return 1;
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
    lowestRatio,
    firstRatio: ratioIn(totals, { fromS: span.fromS, toS: Math.min(span.toS, span.fromS + ROLLING_S) }),
    dipRatio: beforeRatio - lowestRatio,
    recoveryS: settledAfterS(totals, span),
    satisfiedAfterRatio: shareOf(clients, (ratio) => ratio >= rho),
    worstClientAfterRatio: clients.length === 0 ? 1 : Math.min(...clients),
  };
}

/** Moments at which the scenario changes, one for all that happens at the same time. */
export function disturbancesOf({ events, clients, durationMs }: Scenario): { atS: number; label: string }[] {
  const moments = new Map<number, string[]>();
  const add = (atMs: number, label: string): void => {
    if (atMs > 0 && atMs < durationMs) moments.set(atMs, [...(moments.get(atMs) ?? []), label]);
  };
  for (const event of events) {
    add(event.atMs, labelOf(event));
    if ('forMs' in event) add(event.atMs + event.forMs, `${event.kind} over`);
  }
  for (const { fromMs, untilMs } of clients) {
    add(fromMs, 'clients arrive');
    add(untilMs, 'clients leave');
  }
  return [...moments]
    .sort(([a], [b]) => a - b)
    .map(([atMs, labels]) => ({ atS: atMs / 1_000, label: labels.join(', ') }));
}

function labelOf(event: ScenarioEvent): string {
  if (event.kind === 'restart') return `${event.state} restart`;
  return event.kind === 'hiccups' ? event.kind : `${event.kind} ${event.instance}`;
}

function quantileOf(histogram: Uint32Array, row: number, quantile: number): number | null {
  const bins = histogram.subarray(row * HISTOGRAM_BINS, (row + 1) * HISTOGRAM_BINS);
  const total = bins.reduce((a, x) => a + x, 0);
  if (total === 0) return null;
  let seen = 0;
  for (let ms = 0; ms < bins.length; ms++) {
    const count = bins[ms] as number;
    // Within a bin, spread evenly.
    if (seen + count >= quantile * total && count > 0) return ms + (quantile * total - seen) / count;
    seen += count;
  }
  return HISTOGRAM_BINS;
}

function shareOf(values: readonly number[], holds: (value: number) => boolean): number {
  return values.length === 0 ? 1 : values.filter(holds).length / values.length;
}
