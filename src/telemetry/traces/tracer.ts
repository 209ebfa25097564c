// Which requests are traced: those whose `traceparent` says so, and a share of those that come without one.

import { WallTime } from '../wall-time.ts';
import { RequestTrace } from './request-trace.ts';
import type { SpanSink } from './span.ts';
import { parseTraceParent, SAMPLED_FLAG, type TraceParent } from './trace-context.ts';

export interface TracerOptions {
  /** Share of the requests without a `traceparent` that are recorded, 0 to 1. */
  readonly sampleRatio: number;
  /** The client's id goes into its span. */
  readonly clientId: boolean;
  readonly sink: SpanSink;
  /** Wall clock, ms since the epoch. */
  readonly wallNowMs?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
}

/** Above this the wall clock was set, or drifted; below it is how coarse it is. */
const WALL_STEP_MS = 2;

/** Begins a trace for each request that is sampled. One a thread. */
export class Tracer {
  readonly clientId: boolean;
  readonly sink: SpanSink;
  readonly #sampleRatio: number;
  readonly #wallTime: WallTime;
  readonly #random: () => number;

  constructor(options: TracerOptions) {
    this.clientId = options.clientId;
    this.sink = options.sink;
    this.#sampleRatio = options.sampleRatio;
    this.#wallTime = new WallTime({ stepMs: WALL_STEP_MS, wallNowMs: options.wallNowMs });
    this.#random = options.random ?? Math.random;
  }

  /**
   * The trace of a request, or null when it is not recorded; its fields are then left as they came. Of one that is, they get a
   * place for the `traceparent` of each attempt. `fields`: name, value, …; `nowMs` on the driver's clock.
   */
  begin(fields: string[], nowMs: number): RequestTrace | null {
    const found = findTraceParent(fields);
    const parent = found === null ? null : found.parent;
    if (parent === null ? this.#random() >= this.#sampleRatio : (parent.flags & SAMPLED_FLAG) === 0) return null;
    if (parent === null) dropTraceFields(fields);
    const slot = parent === null ? fields.push('traceparent', '') - 1 : (found?.at ?? 0) + 1;
    return new RequestTrace(this, { parent, traceState: fieldOf(fields, 'tracestate'), slot, nowMs });
  }

  wallMs(nowMs: number): number {
    return this.#wallTime.at(nowMs, nowMs);
  }
}

interface Found {
  readonly at: number;
  /** Null: more than one, or one that has to be ignored. */
  readonly parent: TraceParent | null;
}

function findTraceParent(fields: readonly string[]): Found | null {
  let at = -1;
  for (let i = 0; i < fields.length; i += 2) {
    if (!isNamed(fields[i], 'traceparent')) continue;
    if (at >= 0) return { at, parent: null };
    at = i;
  }
  return at < 0 ? null : { at, parent: parseTraceParent(fields[at + 1] ?? '') };
}

/** All values as one list, as several fields of one name mean. */
function fieldOf(fields: readonly string[], name: string): string {
  const values: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (isNamed(fields[i], name)) values.push(fields[i + 1] ?? '');
  return values.join(',');
}

/** A trace that begins here has nothing to do with one that could not be read. */
function dropTraceFields(fields: string[]): void {
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    if (isNamed(fields[i], 'traceparent') || isNamed(fields[i], 'tracestate')) fields.splice(i, 2);
  }
}

function isNamed(field: string | undefined, name: string): boolean {
  return field?.length === name.length && field.toLowerCase() === name;
}
