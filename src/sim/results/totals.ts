// What a recorder counted, second by second: sums over a span, rolling success, success by client, and when it converged.

import { HISTOGRAM_BINS, type Recorder } from './recorder.ts';

/** Rolling success is over this many seconds (the paper's figure 6). */
export const ROLLING_S = 10;
const WITHIN = 0.02;

export interface Span {
  readonly fromS: number;
  readonly toS: number;
}

export interface Totals {
  readonly sent: Float64Array;
  readonly succeeded: Float64Array;
}

export function totalsBySecond({ shape, sent, succeeded }: Recorder): Totals {
  const totals = { sent: new Float64Array(shape.seconds), succeeded: new Float64Array(shape.seconds) };
  for (let i = 0; i < sent.length; i++) {
    (totals.sent[i % shape.seconds] as number) += sent[i] as number;
    (totals.succeeded[i % shape.seconds] as number) += succeeded[i] as number;
  }
  return totals;
}

export function sum(values: Float64Array, { fromS, toS }: Span): number {
  let total = 0;
  for (let s = Math.floor(fromS); s < toS; s++) total += values[s] ?? 0;
  return total;
}

/** 1 where nothing was sent: nothing was lost. */
export function ratioIn(totals: Totals, span: Span): number {
  const sent = sum(totals.sent, span);
  return sent === 0 ? 1 : sum(totals.succeeded, span) / sent;
}

/** Returns the ratio over the 10 s that end at `endS`, fewer at the start; null where nothing was sent. */
export function rollingAt(totals: Totals, endS: number, notBeforeS: number): number | null {
  const span = { fromS: Math.max(notBeforeS, endS - ROLLING_S), toS: endS };
  const sent = sum(totals.sent, span);
  return sent === 0 ? null : sum(totals.succeeded, span) / sent;
}

/** Success share of each client that sent anything within the span. */
export function clientRatios({ shape, sent, succeeded }: Recorder, { fromS, toS }: Span): number[] {
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

export function instanceTotals({ shape, arrivals }: Recorder): number[] {
  return Array.from({ length: shape.instances }, (_, i) =>
    arrivals.subarray(i * shape.seconds, (i + 1) * shape.seconds).reduce((a, x) => a + x, 0),
  );
}

/** Seconds from the start of the span until the rolling success stays within 2 points of the level in the span's last third. */
export function convergedAfterS(totals: Totals, span: Span): number | null {
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

export function quantileOf(histogram: Uint32Array, row: number, quantile: number): number | null {
  const bins = histogram.subarray(row * HISTOGRAM_BINS, (row + 1) * HISTOGRAM_BINS);
  const total = bins.reduce((a, x) => a + x, 0);
  if (total === 0) return null;
  let seen = 0;
  for (let ms = 0; ms < bins.length; ms++) {
    const count = bins[ms] as number;
    // Requests within a bin are spread evenly.
    if (seen + count >= quantile * total && count > 0) return ms + (quantile * total - seen) / count;
    seen += count;
  }
  return HISTOGRAM_BINS;
}
