// When a load balancer says what it saw: small summaries every time that it is asked, large ones as seldom as their bytes demand, and news
// at once. So what a neighbourhood costs is bounded, however many instances there are.

import { bucketOf, MIDDLES_MS } from './histogram.ts';
import { mergeInTime, type Observed, type Summary, summaryText } from './summary.ts';

/** What summaries may take on average. */
const BYTES_PER_SECOND = 120;
/** Nothing waits longer: what was said is forgotten after ten seconds. */
const REST_MS_MAX = 8_000;
/** It is asked about every two seconds: what is due before the next time is said now. */
const EARLY_MS = 1_000;
/** An instance takes so many buckets more or less than before, a factor of three, by so many answers. */
const NEWS_BUCKETS = 3;
const NEWS_ANSWERS = 4;
/** An instance that was not spoken of for so long is news. */
const REMEMBERED_MS = 30_000;

interface Said {
  readonly atMs: number;
  /** That of the mean answer; null: there was none. */
  readonly bucket: number | null;
  readonly failed: boolean;
}

/** What is said of one service. */
export class Saying {
  #waiting: Summary | null = null;
  #saidMs = Number.NEGATIVE_INFINITY;
  readonly #said = new Map<string, Said>();

  /** What is to be said now; null: nothing, and what was `seen` since the last call waits for the next. */
  next(seen: Summary | null, nowMs: number): Summary | null {
    if (seen !== null) this.#waiting = this.#waiting === null ? seen : mergeInTime(this.#waiting, seen);
    const summary = this.#waiting;
    if (summary === null || !(this.#isDue(summary, nowMs) || this.#isNews(summary, nowMs))) return null;
    this.#waiting = null;
    this.#saidMs = nowMs;
    for (const [key, { atMs }] of this.#said) if (nowMs - atMs > REMEMBERED_MS) this.#said.delete(key);
    for (const one of summary.instances)
      this.#said.set(one.key, { atMs: nowMs, bucket: meanBucketOf(one), failed: one.failures > 0 });
    return summary;
  }

  #isDue(summary: Summary, nowMs: number): boolean {
    const restMs = Math.min(REST_MS_MAX, (1_000 * summaryText(summary).length) / BYTES_PER_SECOND);
    return nowMs - this.#saidMs >= restMs - EARLY_MS;
  }

  #isNews({ instances }: Summary, nowMs: number): boolean {
    return instances.some((one) => {
      const said = this.#said.get(one.key);
      if (said === undefined || nowMs - said.atMs > REMEMBERED_MS || (one.failures > 0 && !said.failed)) return true;
      const bucket = meanBucketOf(one);
      if (bucket === null || said.bucket === null || sumOf(one.counts) < NEWS_ANSWERS) return false;
      return Math.abs(bucket - said.bucket) >= NEWS_BUCKETS;
    });
  }
}

function meanBucketOf({ counts }: Observed): number | null {
  const answers = sumOf(counts);
  if (answers === 0) return null;
  const sumMs = counts.reduce((sum, count, b) => sum + count * (MIDDLES_MS[b] as number), 0);
  return bucketOf(sumMs / answers);
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
