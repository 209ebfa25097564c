// Messages that were refused: each is counted by kind, few are logged. A topic is logged once a minute, and all topics
// together a bounded number of times, since a flood may use a new topic for every message.

import type { Clock } from '../../core/clock.ts';
import { type Logger, RateLimitedLog } from '../../telemetry/log.ts';
import type { Counter, Family, Metrics } from '../../telemetry/metrics.ts';
import { BadMessage } from './bad-message.ts';

const TOPIC_INTERVAL_MS = 60_000;
/** Lines over all topics in a minute. */
const LINES_MAX = 30;

/** Counts and logs what is refused. */
export class Rejections {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #counters: Family<Counter>;
  readonly #topics = new RateLimitedLog(TOPIC_INTERVAL_MS);
  #minuteStartMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #total = 0;

  constructor({ clock, log, metrics }: { clock: Clock; log: Logger; metrics: Metrics }) {
    this.#clock = clock;
    this.#log = log;
    this.#counters = metrics.counter({
      name: 'qedge_placement_messages_rejected_total',
      help: 'Placement messages that were refused and changed nothing, by what was wrong with them.',
      labels: ['reason'],
    });
  }

  /** `error`: a `BadMessage`; anything else is a fault of ours, which must not end more than the message. */
  add(topic: string, error: unknown): void {
    this.#total++;
    this.#counters.with(error instanceof BadMessage ? error.code : 'internal').increment();
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#minuteStartMs >= TOPIC_INTERVAL_MS) {
      this.#minuteStartMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines >= LINES_MAX) return;
    const suppressed = this.#topics.admit(topic, nowMs);
    if (suppressed === null) return;
    this.#lines++;
    const fields = { topic: topic.slice(0, 512), suppressed };
    if (error instanceof BadMessage) {
      this.#log.warn({ ...fields, code: error.code, detail: error.message }, 'placement message refused');
    } else this.#log.error({ ...fields, err: error }, 'placement message failed');
  }

  get total(): number {
    return this.#total;
  }
}
