// What the plots of the report show of one run.

import type { Recorder } from './recorder.ts';
import { clientRatios, instanceTotals, quantileOf, rollingAt, totalsBySecond } from './totals.ts';

/** What is plotted of one run: a value a second. */
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

/** The series of a run. `oracle`: that of the same world, for the regret; null: there is none. */
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
