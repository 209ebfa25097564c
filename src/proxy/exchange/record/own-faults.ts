// Attempts that failed because this machine ran out of something. No instance is charged for them; the operator hears of it,
// at most once a minute for each kind.

import { exhaustionOf } from '../../../net/exhaustion.ts';
import { type Logger, RateLimitedLog } from '../../../telemetry/log.ts';

const LOG_INTERVAL_MS = 60_000;

/** Reports what this machine ran out of, at most once a minute for each kind. */
export class OwnFaults {
  readonly #log: Logger;
  readonly #limit = new RateLimitedLog(LOG_INTERVAL_MS);

  constructor(log: Logger) {
    this.#log = log;
  }

  /** An attempt failed with `cause`, which may be of another kind. */
  seen(cause: Error | null, nowMs: number): void {
    const reason = cause === null ? null : exhaustionOf(cause);
    if (reason === null) return;
    const code = String((cause as { readonly code?: unknown } | null)?.code);
    const suppressed = this.#limit.admit(code, nowMs);
    if (suppressed !== null)
      this.#log.warn({ code, reason, suppressed }, 'no connection was made for want of a resource');
  }
}
