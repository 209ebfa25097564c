// The last ten minutes of one service on the page's side: what the proxy remembers, then a sample with every state.

import type { RouterState } from '../../core/service-router.ts';
import type { ServiceHistory } from '../state/history.ts';

/** One moment of a service: wall clock, ms since the epoch; shares in [0, 1]. */
export interface Sample {
  readonly timeMs: number;
  readonly successRatio: number | null;
  readonly clientsSatisfiedRatio: number | null;
  readonly requestsPerSecond: number | null;
  readonly weights: Readonly<Record<string, number>>;
}

const SPAN_MS = 600_000;
/** A longer silence is drawn as a gap. */
const GAP_MS = 6_000;

/** The last minutes of one service, bounded, the oldest first. */
export class Series {
  #samples: Sample[] = [];
  /** What the proxy remembers was asked for. */
  loaded = false;

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  append(state: RouterState, timeMs: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && timeMs <= last.timeMs) return;
    if (last !== undefined && timeMs - last.timeMs > GAP_MS) this.#samples.push(gapAfter(last));
    this.#samples.push({
      timeMs,
      successRatio: state.successRatio,
      clientsSatisfiedRatio: state.clientsSatisfiedRatio,
      requestsPerSecond: state.requestsPerSecond,
      weights: Object.fromEntries(state.instances.map(({ key, weight }) => [key, weight])),
    });
    const oldest = this.#samples.findIndex((sample) => timeMs - sample.timeMs <= SPAN_MS);
    if (oldest > 0) this.#samples.splice(0, oldest);
  }

  /** Puts what the proxy remembers before what this page saw itself. */
  prepend(history: ServiceHistory): void {
    const firstMs = this.#samples[0]?.timeMs ?? Number.POSITIVE_INFINITY;
    const older = history.timesMs
      .map((timeMs, i) => sampleOf(history, timeMs, i))
      .filter((sample) => sample.timeMs < firstMs);
    this.#samples = [...older, ...this.#samples];
  }
}

function sampleOf(history: ServiceHistory, timeMs: number, at: number): Sample {
  const weights: Record<string, number> = {};
  for (const [key, column] of Object.entries(history.weights)) {
    const weight = column[at] ?? null;
    if (weight !== null) weights[key] = weight;
  }
  return {
    timeMs,
    successRatio: history.successRatio[at] ?? null,
    clientsSatisfiedRatio: history.clientsSatisfiedRatio[at] ?? null,
    requestsPerSecond: history.requestsPerSecond[at] ?? null,
    weights,
  };
}

function gapAfter(last: Sample): Sample {
  return {
    timeMs: last.timeMs + 1,
    successRatio: null,
    clientsSatisfiedRatio: null,
    requestsPerSecond: null,
    weights: {},
  };
}
