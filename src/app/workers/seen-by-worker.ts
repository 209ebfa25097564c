// What one worker saw, between its reports and the times that it is asked for. It is asked more often than it reports: in between, the worker
// is as busy as its last report said, so that what is said of all event loops never leaves it out.

import { mergeInTime, type Summary } from '../../core/neighbours/summary.ts';

/** By service. */
export type Summaries = ReadonlyMap<string, Summary>;

export class SeenByWorker {
  /** Null: it reported nothing since it was asked last. */
  #seen: Map<string, Summary> | null = null;
  #busy: Summaries = new Map();

  /** It saw this since it said so last. */
  add(summaries: Iterable<readonly [service: string, summary: Summary]>): void {
    this.#seen ??= new Map();
    const last = new Map(summaries);
    for (const [service, summary] of last) {
      const before = this.#seen.get(service);
      this.#seen.set(service, before === undefined ? summary : mergeInTime(before, summary));
    }
    this.#busy = new Map([...last].map(([service, summary]) => [service, nothingSeen(summary)]));
  }

  /** All that it saw since this was asked last. */
  take(): Summaries {
    const seen = this.#seen ?? this.#busy;
    this.#seen = null;
    return seen;
  }
}

/** The span of a moment, since a span of zero has no rate. */
const MOMENT_MS = 1;

function nothingSeen({ instances }: Summary): Summary {
  const none = (counts: readonly number[]): number[] => counts.map(() => 0);
  return { spanMs: MOMENT_MS, instances: instances.map((one) => ({ ...one, counts: none(one.counts), failures: 0 })) };
}
