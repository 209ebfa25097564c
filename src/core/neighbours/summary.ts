// What a load balancer says of the instances that it sends to: how long they took at the instance, the way there left out, since that
// differs from node to node. And whether what another one says is possible at all.

import type { InstanceKey } from '../domain.ts';
import { recordOf } from '../snapshot-shape.ts';
import { BUCKETS } from './histogram.ts';

/** Another version is another meaning: it is not guessed at. */
const SUMMARY_VERSION = 1;
/** More than these are not said at a time, and more than those are not believed. */
export const SAID_MAX = 16;
const HEARD_MAX = 64;
/** A message has no more, all that goes along included. */
export const SUMMARY_BYTES_MAX = 2_048;
const RATE_MAX = 1e6;
const IN_FLIGHT_MAX = 1e6;
const SPAN_MS_MAX = 60_000;
const KEY_LENGTH_MAX = 512;

/** What was seen of one instance in a span. */
export interface Observed {
  readonly key: InstanceKey;
  /** Answers by processing latency: `BUCKETS` numbers. */
  readonly counts: readonly number[];
  readonly failures: number;
  /** Requests that the sender sends there. */
  readonly perSecond: number;
  readonly inFlight: number;
}

/** What one load balancer saw of a service. */
export interface Summary {
  readonly spanMs: number;
  readonly instances: readonly Observed[];
  /** Whether it is a part of what was seen, said by itself and at once. */
  readonly isNews?: true;
  /** What was said as news since the last summary that is none: for those that did not hear it. */
  readonly asNews?: readonly Observed[];
}

/** What a summary is dropped for; the name that it is counted by. */
export type SummaryProblem = 'version' | 'shape' | 'impossible';

/** Takes a summary from outside; says what is wrong with it instead. Nothing of a wrong one is used. */
export function readSummary(value: unknown): Summary | SummaryProblem {
  const { version, span_ms: spanMs, instances, news = false, as_news: asNews } = recordOf(value);
  if (version !== SUMMARY_VERSION) return 'version';
  if (typeof spanMs !== 'number' || typeof news !== 'boolean') return 'shape';
  if (!(spanMs > 0 && spanMs <= SPAN_MS_MAX)) return 'impossible';
  const observed = readInstances(instances, spanMs);
  const before = asNews === undefined ? [] : readInstances(asNews, SPAN_MS_MAX);
  if (typeof observed === 'string') return observed;
  if (typeof before === 'string') return before;
  return { spanMs, instances: observed, ...(news && { isNews: news }), ...(before.length > 0 && { asNews: before }) };
}

function readInstances(instances: unknown, spanMs: number): readonly Observed[] | SummaryProblem {
  if (!Array.isArray(instances)) return 'shape';
  if (instances.length > HEARD_MAX) return 'impossible';
  const observed: Observed[] = [];
  const seen = new Set<string>();
  for (const one of instances) {
    const read = readObserved(one, spanMs);
    if (typeof read === 'string') return read;
    if (seen.has(read.key)) return 'impossible';
    seen.add(read.key);
    observed.push(read);
  }
  return observed;
}

/** As it goes over the wire; what would make it too long is left out, first what was said before, then the least busy. */
export function summaryText(summary: Summary): string {
  const whole = textOf(summary);
  if (whole.length <= SUMMARY_BYTES_MAX) return whole;
  const { asNews: _, ...now } = summary;
  for (let count = now.instances.length; count > 0; count--) {
    const text = textOf({ ...now, instances: now.instances.slice(0, count) });
    if (text.length <= SUMMARY_BYTES_MAX) return text;
  }
  return textOf({ ...now, instances: [] });
}

function textOf(summary: Summary): string {
  return JSON.stringify(writeSummary(summary));
}

/** Returns the summary as plain JSON data. */
export function writeSummary({ spanMs, instances, isNews, asNews = [] }: Summary): unknown {
  return {
    version: SUMMARY_VERSION,
    span_ms: Math.min(SPAN_MS_MAX, Math.ceil(spanMs)),
    ...(isNews && { news: isNews }),
    instances: instances.map(writeObserved),
    ...(asNews.length > 0 && { as_news: asNews.map(writeObserved) }),
  };
}

/** Returns the observation with its counts from the first to the last that is not zero. */
function writeObserved({ key, counts, failures, perSecond, inFlight }: Observed): unknown {
  const first = Math.max(
    0,
    counts.findIndex((count) => count > 0),
  );
  const last = counts.findLastIndex((count) => count > 0);
  const failed = failures > 0 ? { failures } : {};
  return { key, first, counts: counts.slice(first, last + 1), ...failed, rate: tenth(perSecond), in_flight: inFlight };
}

/** What one load balancer saw in two spans, one after the other: how busy it is now is what the later one says. */
export function mergeInTime(before: Summary, after: Summary): Summary {
  const spanMs = Math.min(SPAN_MS_MAX, before.spanMs + after.spanMs);
  return { spanMs, instances: mergeInstances(before, after, ({ perSecond, inFlight }) => ({ perSecond, inFlight })) };
}

/** What two event loops of one load balancer saw in the same span. */
export function mergeInSpace(one: Summary, other: Summary): Summary {
  const instances = mergeInstances(one, other, (a, b) => ({
    perSecond: a.perSecond + b.perSecond,
    inFlight: a.inFlight + b.inFlight,
  }));
  return { spanMs: Math.max(one.spanMs, other.spanMs), instances };
}

function mergeInstances(
  one: Summary,
  other: Summary,
  busy: (a: Observed, b: Observed) => Pick<Observed, 'perSecond' | 'inFlight'>,
): Observed[] {
  const byKey = new Map(one.instances.map((observed) => [observed.key, observed]));
  for (const b of other.instances) {
    const a = byKey.get(b.key);
    const counts = a?.counts.map((count, i) => count + (b.counts[i] as number)) ?? b.counts;
    byKey.set(b.key, a === undefined ? b : { ...b, counts, failures: a.failures + b.failures, ...busy(b, a) });
  }
  return [...byKey.values()].sort((a, b) => b.perSecond - a.perSecond).slice(0, SAID_MAX);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function readObserved(value: unknown, spanMs: number): Observed | SummaryProblem {
  const { key, first, counts, failures = 0, rate, in_flight: inFlight } = recordOf(value);
  if (typeof key !== 'string' || key === '' || key.length > KEY_LENGTH_MAX) return 'shape';
  if (!Array.isArray(counts) || typeof first !== 'number') return 'shape';
  if (!Number.isInteger(first) || first < 0 || first + counts.length > BUCKETS) return 'impossible';
  const most = (RATE_MAX * spanMs) / 1000;
  const all = [...counts, failures];
  if (all.some((count) => typeof count !== 'number') || typeof rate !== 'number' || typeof inFlight !== 'number')
    return 'shape';
  const possible =
    all.every((count) => isWithin(count, most)) && isWithin(rate, RATE_MAX) && isWithin(inFlight, IN_FLIGHT_MAX);
  if (!possible || all.reduce((sum, count) => sum + count, 0) > most) return 'impossible';
  const padded = Array.from({ length: BUCKETS }, (_, b) => (counts[b - first] as number | undefined) ?? 0);
  return { key, counts: padded, failures: failures as number, perSecond: rate, inFlight };
}

function isWithin(value: number, most: number): boolean {
  return value >= 0 && value <= most;
}
