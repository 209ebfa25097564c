// Instances that an operator keeps out for a while: drained, and resumed by a timer.

import type { Clock } from '../../core/clock.ts';
import type { InstanceKey } from '../../core/domain.ts';
import type { InstanceState } from '../../core/service-router.ts';
import { cooldownText } from '../../core/standing.ts';

interface Ejection {
  readonly untilMs: number;
  readonly timer: NodeJS.Timeout;
}

/** The running ones, by service and instance. */
export class Ejections {
  readonly #clock: Clock;
  readonly #running = new Map<string, Ejection>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `end` is called after `durationMs`, unless the ejection is cancelled before. */
  begin(service: string, key: InstanceKey, { durationMs, end }: { durationMs: number; end: () => void }): void {
    this.cancel(service, key);
    const timer = setTimeout(end, durationMs).unref();
    this.#running.set(idOf(service, key), { untilMs: this.#clock.nowMs() + durationMs, timer });
  }

  cancel(service: string, key: InstanceKey): void {
    const id = idOf(service, key);
    clearTimeout(this.#running.get(id)?.timer);
    this.#running.delete(id);
  }

  /** The instance, with how long it stays out where that is known. */
  noted(service: string, instance: InstanceState): InstanceState {
    const running = this.#running.get(idOf(service, instance.key));
    if (running === undefined || instance.availability !== 'draining') return instance;
    const leftMs = Math.max(0, running.untilMs - this.#clock.nowMs());
    return { ...instance, note: `ejected by hand, back in ${cooldownText(leftMs)}` };
  }
}

const idOf = (service: string, key: InstanceKey): string => `${service}/${key}`;
