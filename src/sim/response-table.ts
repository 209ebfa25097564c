// How an instance answers under load, for the oracle: P(processing latency ≤ x) at arrival rate λ, tabulated by simulating the
// instance alone under Poisson arrivals.

import { createEventQueue } from './event-queue.ts';
import { createStream, exponential } from './random.ts';
import type { InstanceModel } from './scenario.ts';
import { Site } from './site.ts';

export interface ResponseTable {
  /** Share of requests processed within `withinMs` when they arrive at `ratePerSecond`; in [0, 1], falling with the rate. */
  within(withinMs: number, ratePerSecond: number): number;
}

const LATENCY_BINS = 512;
/** Utilisations in the table: dense where answers turn late. */
const UTILISATIONS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1, 1.1, 1.3];
const REQUESTS_PER_POINT = 40_000;
const TABLE_SEED = 1;

const tables = new Map<string, ResponseTable>();

/** The same model gives the same table; it is made once (some 0.3 s of CPU). */
export function responseTable(model: InstanceModel): ResponseTable {
  const key = JSON.stringify(model);
  const known = tables.get(key);
  if (known !== undefined) return known;
  const table = new TabulatedResponse(model);
  tables.set(key, table);
  return table;
}

class TabulatedResponse implements ResponseTable {
  readonly #capacity: number;
  /** Cumulative shares: row u, bin ms. */
  readonly #rows: readonly Float64Array[];

  constructor(model: InstanceModel) {
    const stalled =
      model.stallEveryMs === Number.POSITIVE_INFINITY ? 0 : model.stallMs / (model.stallMs + model.stallEveryMs);
    this.#capacity = ((1_000 * model.cores) / model.workMeanMs) * (1 - stalled);
    this.#rows = fallingWithLoad(UTILISATIONS.map((u) => measure(model, Math.max(0.01, u) * this.#capacity)));
  }

  within(withinMs: number, ratePerSecond: number): number {
    if (!(withinMs > 0)) return 0;
    const utilisation = ratePerSecond / this.#capacity;
    let upper = 1;
    while (upper < UTILISATIONS.length - 1 && (UTILISATIONS[upper] as number) < utilisation) upper++;
    const low = UTILISATIONS[upper - 1] as number;
    const high = UTILISATIONS[upper] as number;
    const share = Math.min(1, Math.max(0, (utilisation - low) / (high - low)));
    const bin = Math.min(LATENCY_BINS - 1, withinMs);
    return (1 - share) * this.#at(upper - 1, bin) + share * this.#at(upper, bin);
  }

  #at(row: number, bin: number): number {
    const cumulative = this.#rows[row] as Float64Array;
    const floor = Math.floor(bin);
    const below = floor === 0 ? 0 : (cumulative[floor - 1] as number);
    return below + (bin - floor) * ((cumulative[floor] as number) - below);
  }
}

/** More load never helps: what sampling noise says to the contrary is levelled. */
function fallingWithLoad(rows: readonly Float64Array[]): readonly Float64Array[] {
  for (const [u, row] of rows.entries()) {
    const lighter = rows[u - 1];
    if (lighter === undefined) continue;
    for (let bin = 0; bin < row.length; bin++) row[bin] = Math.min(row[bin] as number, lighter[bin] as number);
  }
  return rows;
}

/** Cumulative shares of processing latency by bins of 1 ms at one rate. */
function measure(model: InstanceModel, ratePerSecond: number): Float64Array {
  const arrivals = createStream(TABLE_SEED, 'table arrivals');
  const site = new Site(model, createStream(TABLE_SEED, 'table work'));
  const queue = createEventQueue();
  const arrivedMs = new Float64Array(REQUESTS_PER_POINT);
  const cumulative = new Float64Array(LATENCY_BINS);
  let arrived = 0;
  let ended = 0;
  const ARRIVAL = 0;
  const DONE = 1;
  const STALL = 2;
  const STALL_END = 3;
  queue.push(0, ARRIVAL);
  if (model.stallEveryMs < Number.POSITIVE_INFINITY) queue.push(model.stallEveryMs, STALL);
  while (ended < REQUESTS_PER_POINT && queue.pop()) {
    const nowMs = queue.timeMs;
    switch (queue.code) {
      case ARRIVAL:
        arrivedMs[arrived] = nowMs;
        if (!site.server.enter(arrived, site.drawWorkMs(), nowMs)) ended++;
        if (++arrived < REQUESTS_PER_POINT) queue.push(nowMs + exponential(arrivals, 1_000 / ratePerSecond), ARRIVAL);
        break;
      case STALL:
        site.freeze(1, nowMs);
        queue.push(nowMs + model.stallMs, STALL_END);
        break;
      case STALL_END:
        site.freeze(-1, nowMs);
        // Evenly spaced rather than Poisson: the same mean, far less noise from one row to the next.
        queue.push(nowMs + model.stallEveryMs, STALL);
        break;
    }
    for (let job = site.server.takeDone(nowMs); job >= 0; job = site.server.takeDone(nowMs)) {
      const bin = Math.floor(nowMs + site.drawOverheadMs() - (arrivedMs[job] as number));
      if (bin < LATENCY_BINS) (cumulative[bin] as number)++;
      ended++;
    }
    if (nowMs === site.scheduledMs) site.scheduledMs = Number.NaN;
    const nextMs = site.server.nextDoneMs();
    if (!(nextMs >= site.scheduledMs) && nextMs < Number.POSITIVE_INFINITY) {
      site.scheduledMs = nextMs;
      queue.push(nextMs, DONE);
    }
  }
  let total = 0;
  for (let bin = 0; bin < LATENCY_BINS; bin++) {
    total += cumulative[bin] as number;
    cumulative[bin] = total / REQUESTS_PER_POINT;
  }
  return cumulative;
}
