// The log says when an instance begins to fail, and why, and when it is well again; once, however many event loops see it.

import type { RouterEvent } from '../../core/service-router.ts';
import { reasonsText } from '../../core/standing.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Logs when an instance begins to fail, and when it is well again. */
export class FailureLog {
  readonly #log: Logger;
  /** Event loops that see it fail, by service and instance. */
  readonly #failing = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  observe(service: string, event: RouterEvent): void {
    if (event.kind !== 'instance-failing' && event.kind !== 'instance-well' && event.kind !== 'instance-removed')
      return;
    const id = `${service}/${event.key}`;
    const before = this.#failing.get(id) ?? 0;
    const after =
      event.kind === 'instance-removed' ? 0 : Math.max(0, before + (event.kind === 'instance-failing' ? 1 : -1));
    if (after === 0) this.#failing.delete(id);
    else this.#failing.set(id, after);
    const fields = { service, instance: event.key };
    if (event.kind === 'instance-failing' && before === 0) {
      this.#log.warn({ ...fields, reasons: reasonsText(event.reasons) }, 'instance began to fail');
    } else if (event.kind === 'instance-well' && after === 0) {
      this.#log.info(fields, 'instance is well again');
    }
  }
}
