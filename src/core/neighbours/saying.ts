// When a load balancer says what it saw: small summaries every time that it is asked, large ones as seldom as their bytes demand. News goes
// at once and by itself, as far as a budget of its own allows. So what a neighbourhood costs is bounded, however many instances there are
// and however they change.

import { bucketOf, MIDDLES_MS } from './histogram.ts';
import { mergeInTime, type Observed, SUMMARY_BYTES_MAX, type Summary, summaryText } from './summary.ts';

/** The bytes per second that summaries may take on average. */
const BYTES_PER_SECOND = 120;
/** The bytes that news may take beside them: per second on average, and at once after a calm time. */
const NEWS_BYTES_PER_SECOND = 30;
const NEWS_BYTES_MAX = SUMMARY_BYTES_MAX;
/** So many of these are kept for what fails or got slow, so that it finds room though every turn sees others of many instances. */
const KEPT_BYTES = NEWS_BYTES_MAX / 2;
/** Small ones wait so long; and none waits longer than the other: what was said is forgotten after ten seconds. */
const REST_MS_MIN = 2_000;
const REST_MS_MAX = 8_000;
/** It is asked about every half second: what is due before the next time is said now. */
const EARLY_MS = 250;
/** An instance takes so many buckets more or less than before, a factor of three, by so many answers. */
const NEWS_BUCKETS = 3;
const NEWS_ANSWERS = 4;
/** An instance that was not spoken of for so long is news. */
const REMEMBERED_MS = 30_000;

interface Said {
  readonly atMs: number;
  /** The bucket of the mean answer; null when there was none. */
  readonly bucket: number | null;
  readonly failed: boolean;
}

/** What is said of one service. */
export class Saying {
  #waiting: Summary | null = null;
  /** What was said as news since the last summary that is none. */
  #asNews: Summary | null = null;
  #saidMs = Number.NEGATIVE_INFINITY;
  readonly #said = new Map<string, Said>();
  /** Bytes of news that may be said now, as of `#askedMs`. */
  #newsBytes = NEWS_BYTES_MAX;
  #askedMs = Number.NaN;

  /** What is to be said now; null: nothing, and what was `seen` since the last call waits for the next. */
  next(seen: Summary | null, nowMs: number): Summary | null {
    this.#earn(nowMs);
    if (seen !== null) this.#waiting = this.#waiting === null ? seen : mergeInTime(this.#waiting, seen);
    const waiting = this.#waiting;
    if (waiting === null) return null;
    const summary = this.#isDue(waiting, nowMs) ? this.#whole(waiting) : this.#news(waiting, nowMs);
    if (summary === null) return null;
    this.#taken(waiting, summary, nowMs);
    this.#remember(summary, nowMs);
    return summary;
  }

  /** Returns the summary with the news said meanwhile, as far as it is paid for again, for nodes that missed it. */
  #whole(waiting: Summary): Summary {
    const asNews = this.#asNews === null ? null : this.#paid(this.#asNews, KEPT_BYTES);
    return asNews === null ? waiting : { ...waiting, asNews: asNews.instances };
  }

  #taken(waiting: Summary, said: Summary, nowMs: number): void {
    if (said.isNews) {
      this.#waiting = without(waiting, said);
      this.#asNews = this.#asNews === null ? said : mergeInTime(this.#asNews, said);
      return;
    }
    this.#waiting = null;
    this.#asNews = null;
    this.#saidMs = nowMs;
  }

  #earn(nowMs: number): void {
    const passedMs = Number.isNaN(this.#askedMs) ? 0 : nowMs - this.#askedMs;
    this.#askedMs = nowMs;
    this.#newsBytes = Math.min(NEWS_BYTES_MAX, this.#newsBytes + (NEWS_BYTES_PER_SECOND * passedMs) / 1_000);
  }

  #isDue(summary: Summary, nowMs: number): boolean {
    const bytesMs = (1_000 * summaryText(summary).length) / BYTES_PER_SECOND;
    const restMs = Math.min(REST_MS_MAX, Math.max(REST_MS_MIN, bytesMs));
    return nowMs - this.#saidMs >= restMs - EARLY_MS;
  }

  /** The part that is news, paid for; null: there is none, or too much of it was said lately. What fails or got slow comes before what is new. */
  #news({ spanMs, instances }: Summary, nowMs: number): Summary | null {
    const changed = instances.filter((one) => this.#hasChanged(one));
    const unknown = instances.filter((one) => this.#isUnknown(one.key, nowMs) && !changed.includes(one));
    const all: Summary = { spanMs, instances: [...changed, ...unknown], isNews: true };
    return this.#paid(all, KEPT_BYTES) ?? this.#paid({ ...all, instances: changed }, 0);
  }

  /** Returns the news, paid for; null where there is none or it would leave less than `keptBytes`. */
  #paid(news: Summary, keptBytes: number): Summary | null {
    const bytes = summaryText(news).length;
    if (news.instances.length === 0 || bytes > this.#newsBytes - keptBytes) return null;
    this.#newsBytes -= bytes;
    return news;
  }

  #isUnknown(key: string, nowMs: number): boolean {
    const said = this.#said.get(key);
    return said === undefined || nowMs - said.atMs > REMEMBERED_MS;
  }

  #hasChanged(one: Observed): boolean {
    const said = this.#said.get(one.key);
    if (said === undefined) return false;
    if (one.failures > 0 && !said.failed) return true;
    const bucket = meanBucketOf(one);
    if (bucket === null || said.bucket === null || sumOf(one.counts) < NEWS_ANSWERS) return false;
    return Math.abs(bucket - said.bucket) >= NEWS_BUCKETS;
  }

  #remember({ instances }: Summary, nowMs: number): void {
    for (const [key, { atMs }] of this.#said) if (nowMs - atMs > REMEMBERED_MS) this.#said.delete(key);
    for (const one of instances)
      this.#said.set(one.key, { atMs: nowMs, bucket: meanBucketOf(one), failed: one.failures > 0 });
  }
}

/** Returns what is left to say; null for nothing. */
function without({ spanMs, instances }: Summary, said: Summary): Summary | null {
  const left = instances.filter((one) => !said.instances.includes(one));
  return left.length === 0 ? null : { spanMs, instances: left };
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
