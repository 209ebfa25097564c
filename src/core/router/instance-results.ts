// How the attempts at one instance ended: counted for good by their verdict, and the last ones by what was held against the
// instance. Says when it begins to fail, and when it is well again.

import { NO_REASON, type Reason, type ReasonShare, reasonText } from '../verdict/reason.ts';
import type { VerdictRow } from '../verdict/table.ts';

/** Attempts that the shares are about. */
const LAST = 64;
/** Reasons that are listed, the most frequent first. */
const REASONS_MAX = 4;
/** Weight of one attempt in the faded share of bad ones; the first ones of an instance weigh more, as 1/(n + 2). */
const STEP = 0.15;
/** Reached by three bad attempts in a row, by the first two of an instance, or by one in three for a while. */
const FAILING_SHARE = 0.35;
/** Reached by fifteen good attempts in a row after a total failure. */
const WELL_SHARE = 0.1;
/** An instance that comes and goes is reported this often at the most. */
const REPORT_MS_MIN = 60_000;

type Change = 'failing' | 'well';

export class InstanceResults {
  readonly #counts = new Map<VerdictRow, number>();
  readonly #last = new Uint16Array(LAST);
  #attempts = 0;
  /** Attempts that say something of the instance. */
  #judged = 0;
  #badShare = 0;
  #failing = false;
  #reported = false;
  #reportedMs = Number.NEGATIVE_INFINITY;

  /** One attempt more; returns what is worth a report. */
  record(row: VerdictRow, reason: Reason, nowMs: number): Change | null {
    this.#counts.set(row, (this.#counts.get(row) ?? 0) + 1);
    this.#last[this.#attempts % LAST] = reason;
    this.#attempts++;
    if (reason === NO_REASON && row !== 'success') return null;
    this.#judged++;
    this.#badShare += Math.max(STEP, 1 / (this.#judged + 2)) * (Number(reason !== NO_REASON) - this.#badShare);
    if (this.#failing ? this.#badShare > WELL_SHARE : this.#badShare < FAILING_SHARE) return null;
    this.#failing = !this.#failing;
    return this.#failing ? this.#reportFailing(nowMs) : this.#reportWell();
  }

  /** More of its attempts end badly than is usual for a healthy instance. */
  get failing(): boolean {
    return this.#failing;
  }

  /** All time, by verdict. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** What was held against the instance in its last attempts. */
  get reasons(): readonly ReasonShare[] {
    const attempts = Math.min(this.#attempts, LAST);
    const counts = new Map<Reason, number>();
    for (const reason of this.#last.subarray(0, attempts)) {
      if (reason !== NO_REASON) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    return [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, REASONS_MAX)
      .map(([reason, count]) => ({ reason: reasonText(reason), share: count / attempts }));
  }

  #reportFailing(nowMs: number): Change | null {
    this.#reported = nowMs - this.#reportedMs >= REPORT_MS_MIN;
    if (!this.#reported) return null;
    this.#reportedMs = nowMs;
    return 'failing';
  }

  /** Only of what was reported to fail. */
  #reportWell(): Change | null {
    return this.#reported ? 'well' : null;
  }
}
