// An X-QEdge-Deadline-Ms that cannot be read, minus one among them, is counted and named; the request goes on without.

import { type Logger, RateLimitedLog } from '../../../telemetry/log.ts';

const LOG_INTERVAL_MS = 60_000;
const LOGGED_CHARS_MAX = 64;

/** The part of an exchange's context that is needed. */
interface DeadlineContext {
  readonly metrics: { deadlineIgnored(service: string): void };
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** Counts and logs the unread deadlines of one data plane. */
export class UnreadDeadlines {
  readonly #limit = new RateLimitedLog(LOG_INTERVAL_MS);

  /** `field`: as it came. */
  note(field: string, service: string, { metrics, log, nowMs }: DeadlineContext): void {
    metrics.deadlineIgnored(service);
    const suppressed = this.#limit.admit(service, nowMs());
    if (suppressed === null) return;
    const deadline = field.slice(0, LOGGED_CHARS_MAX);
    log.warn({ deadline, service, suppressed }, 'X-QEdge-Deadline-Ms is no number of milliseconds such as 80');
  }
}
