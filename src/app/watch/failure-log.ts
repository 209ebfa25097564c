// The log says when an instance begins to fail, and why, and when it is well again; once, however many event loops see it.

import type { RouterEvent } from '../../core/service-router.ts';
import { reasonsText } from '../../core/standing.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Logs when an instance begins to fail, and when it is well again. */
export class FailureLog {
  readonly #log: Logger;
  /** Instances by service, as they were last logged. Event loops are not counted: one may end without a word. */
  readonly #failing = new Map<string, Set<string>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  observe(service: string, event: RouterEvent): void {
    if (event.kind === 'instance-failing') {
      const failing = this.#failing.get(service) ?? new Set<string>();
      this.#failing.set(service, failing);
      if (failing.has(event.key)) return;
      failing.add(event.key);
      const fields = { service, instance: event.key, reasons: reasonsText(event.reasons) };
      this.#log.warn(fields, 'instance began to fail');
    } else if (event.kind === 'instance-well') {
      if (!this.#failing.get(service)?.delete(event.key)) return;
      this.#log.info({ service, instance: event.key }, 'instance is well again');
    } else if (event.kind === 'instance-removed') {
      this.#failing.get(service)?.delete(event.key);
    }
  }

  /** What was seen of the service counts no more: it is gone, or seen by routers that begin again. */
  forget(service: string): void {
    this.#failing.delete(service);
  }
}
