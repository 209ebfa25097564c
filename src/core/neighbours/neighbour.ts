// One neighbour: what it saw of each instance, fading, and whether it is believed.

import type { InstanceKey } from '../domain.ts';
import { fade } from '../stats/weighted-kde.ts';
import { add, answersIn, CELLS, FAILURES, scale } from './histogram.ts';
import { JUDGED_HALF_LIFE_MS } from './own-observations.ts';
import type { Observed, Summary } from './summary.ts';

/** Twice that of the default policy's own samples: what is said is old when it comes, and changes less from one time to the next. */
const HALF_LIFE_MS = 3_000;
/** What was not heard of for so long counts for nothing. */
const HEARD_MS = 10_000;
/** So long is one that is often wrong ignored. */
export const IGNORED_MS = 60_000;
/** Wrong so often in a row; one that was ignored and has not been right since is ignored again at once. */
const WRONG_MAX = 2;
/** Failures that are worth a word, fading. */
const FAILING_MIN = 0.5;
/** So many samples of one neighbour judge another, and are believed before there are own ones: it may not drown out the rest. */
const SAY_MAX = 10;

export interface Heard {
  /** Counts by bucket that fade as own samples do. */
  readonly recent: Float64Array;
  /** Counts by bucket that fade slowly, to judge by. */
  readonly judged: Float64Array;
  /** Requests that it sends there, as it said last, and when that was. */
  perSecond: number;
  saidMs: number;
}

/** What it said beside what is known here. */
export type Verdict = { readonly kind: 'right' | 'unknown' } | { readonly kind: 'wrong'; readonly over: InstanceKey };

export class Neighbour {
  readonly nodeId: string;
  /** What it said of each instance, keyed by handle. */
  readonly heard = new Map<number, Heard>();
  heardMs: number;
  summaries = 0;
  /** Instances of which its news was heard since its last summary that is none: what that repeats of them is known. */
  readonly #heardNews = new Set<InstanceKey>();
  ignoredUntilMs = Number.NEGATIVE_INFINITY;
  /** The instance that it was wrong about last. */
  wrongOver: InstanceKey | null = null;
  /** How many times in a row it was wrong since it was last right. */
  #wrong = 0;

  constructor(nodeId: string, nowMs: number) {
    this.nodeId = nodeId;
    this.heardMs = nowMs;
  }

  /** Takes in a summary. `handleOf` returns the handle of an instance that is known here, else undefined. */
  hear(summary: Summary, handleOf: (key: string) => number | undefined, nowMs: number): void {
    const passedMs = nowMs - this.heardMs;
    this.heardMs = nowMs;
    this.summaries++;
    for (const heard of this.heard.values()) {
      scale(heard.recent, fade(passedMs / HALF_LIFE_MS));
      scale(heard.judged, fade(passedMs / JUDGED_HALF_LIFE_MS));
    }
    const { instances, isNews = false, asNews = [] } = summary;
    // Said before, and not heard: it was lost, or this node came later.
    const missed = asNews.filter(({ key }) => !this.#heardNews.has(key));
    if (!isNews) this.#heardNews.clear();
    for (const observed of [...missed, ...instances]) {
      const handle = handleOf(observed.key);
      if (handle === undefined) continue;
      this.#add(handle, observed, nowMs);
      if (isNews) this.#heardNews.add(observed.key);
    }
  }

  /** Returns its recent answers of all instances, as it said last. */
  answers(): number {
    let answers = 0;
    for (const { recent } of this.heard.values()) answers += answersIn(recent);
    return answers;
  }

  /** Share of what it said last that still counts. */
  freshness(nowMs: number): number {
    return this.isSilent(nowMs) ? 0 : fade((nowMs - this.heardMs) / HALF_LIFE_MS);
  }

  /** Requests per second that it sends to the instance; 0 where it said nothing of it lately. */
  perSecond(handle: number, nowMs: number): number {
    const heard = this.heard.get(handle);
    return heard === undefined || nowMs - heard.saidMs > HEARD_MS ? 0 : heard.perSecond;
  }

  /** Whether what it said counts for nothing any more. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.heardMs > HEARD_MS;
  }

  isIgnored(nowMs: number): boolean {
    return nowMs < this.ignoredUntilMs;
  }

  /** Whether it says that requests fail there. */
  isFailing(handle: number, nowMs: number): boolean {
    const cells = this.heard.get(handle)?.recent;
    return cells !== undefined && (cells[FAILURES] as number) * this.freshness(nowMs) >= FAILING_MIN;
  }

  /** Takes in a verdict; true when it is ignored from now on. */
  judge(verdict: Verdict, nowMs: number): boolean {
    if (verdict.kind === 'right') this.#wrong = 0;
    if (verdict.kind !== 'wrong' || this.isIgnored(nowMs)) return false;
    this.#wrong++;
    if (this.#wrong < WRONG_MAX) return false;
    this.wrongOver = verdict.over;
    this.ignoredUntilMs = nowMs + IGNORED_MS;
    return true;
  }

  #add(handle: number, { counts, failures, perSecond }: Observed, nowMs: number): void {
    let heard = this.heard.get(handle);
    if (heard === undefined) {
      heard = { recent: new Float64Array(CELLS), judged: new Float64Array(CELLS), perSecond, saidMs: nowMs };
      this.heard.set(handle, heard);
    }
    add(heard.judged, counts);
    add(heard.recent, counts);
    heard.recent[FAILURES] = (heard.recent[FAILURES] as number) + failures;
    heard.perSecond = perSecond;
    heard.saidMs = nowMs;
  }
}

/** What each answer of one that saw these is worth, so that it has no more than its say. */
export function say(judged: Float64Array): number {
  return Math.min(1, SAY_MAX / answersIn(judged));
}
