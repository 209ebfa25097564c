// How an instance answers under load, for the oracle: P(processing latency ≤ x) at arrival rate λ, tabulated by simulating the
// instance alone under Poisson arrivals.

import { createEventQueue } from '../events/event-queue.ts';
import { Site } from '../instances/site.ts';
import { createStream, exponential } from '../random.ts';
import { capacityOf, type InstanceModel } from '../scenario.ts';
import { UTILISATION_POINTS, UTILISATION_STEP } from './best-split.ts';

export interface ResponseTable {
  /** Requests per second at a utilisation of 1. */
  readonly capacity: number;
  /**
   * Share of requests processed within `withinMs`, at multiples of `UTILISATION_STEP`; in [0, 1], falling. `variability` is the
   * squared coefficient of variation of the gaps between arrivals: 1 at random, 0 even.
   */
  curve(withinMs: number, variability: number): Float64Array;
  /** Mean processing latency, ms, likewise; rising. What takes longer than 4 s counts as that. */
  means(variability: number): Float64Array;
}

/** One a millisecond. */
const LATENCY_BINS = 4_096;
/** Utilisations that are simulated, as multiples of the step: dense where answers turn late. */
const MEASURED = [0, 2, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, UTILISATION_POINTS - 1];
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
  readonly capacity: number;
  /** Squared coefficient of variation of work, as far as it makes others wait: under processor sharing, as if it were random. */
  readonly #workVariability: number;
  /** Cumulative shares of latency by bins of 1 ms, one row for each utilisation measured. */
  readonly #rows: readonly Float64Array[];
  readonly #randomMeans = new Float64Array(UTILISATION_POINTS);

  constructor(model: InstanceModel) {
    const stalled =
      model.stallEveryMs === Number.POSITIVE_INFINITY ? 0 : model.stallMs / (model.stallMs + model.stallEveryMs);
    this.capacity = capacityOf(model) * (1 - stalled);
    this.#workVariability = model.discipline === 'fifo' ? model.workCv ** 2 : 1;
    this.#rows = fallingWithLoad(
      MEASURED.map((at) => measure(model, Math.max(0.01, at * UTILISATION_STEP) * this.capacity)),
    );
    this.#between(this.#randomMeans, (row) =>
      (this.#rows[row] as Float64Array).reduce((sum, within) => sum + 1 - within, 0.5),
    );
  }

  curve(withinMs: number, variability: number): Float64Array {
    if (!(withinMs > 0)) return new Float64Array(UTILISATION_POINTS);
    return this.#eased(this.#randomCurve(withinMs), variability);
  }

  means(variability: number): Float64Array {
    return this.#eased(this.#randomMeans, variability);
  }

  #eased(random: Float64Array, variability: number): Float64Array {
    // Waiting grows with (ca² + cs²) / 2 · u / (1 − u) (Kingman 1961): even arrivals wait as random ones do at less load.
    const eased = (variability + this.#workVariability) / (1 + this.#workVariability);
    return random.map((value, at) => {
      const utilisation = at * UTILISATION_STEP;
      if (utilisation >= 1) return value;
      const ratio = (eased * utilisation) / (1 - utilisation);
      const place = ratio / (1 + ratio) / UTILISATION_STEP;
      const low = Math.floor(place);
      const [from, to] = [random[low] as number, random[low + 1] as number];
      return from + (place - low) * (to - from);
    });
  }

  #randomCurve(withinMs: number): Float64Array {
    const curve = new Float64Array(UTILISATION_POINTS);
    const bin = Math.min(LATENCY_BINS - 1, withinMs);
    this.#between(curve, (row) => this.#at(row, bin));
    return curve;
  }

  /** Fills in what lies between the utilisations that were measured. */
  #between(curve: Float64Array, measured: (row: number) => number): void {
    for (let row = 1; row < MEASURED.length; row++) {
      const [low, high] = [MEASURED[row - 1] as number, MEASURED[row] as number];
      const [from, to] = [measured(row - 1), measured(row)];
      for (let at = low; at <= high; at++) curve[at] = from + ((to - from) * (at - low)) / (high - low);
    }
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
  const NEIGHBOUR = 4;
  queue.push(0, ARRIVAL);
  if (site.neighbour !== null) queue.push(site.neighbour.nextMs(0), NEIGHBOUR);
  if (model.stallEveryMs < Number.POSITIVE_INFINITY) queue.push(model.stallEveryMs, STALL);
  while (ended < REQUESTS_PER_POINT && queue.pop()) {
    const nowMs = queue.timeMs;
    switch (queue.code) {
      case ARRIVAL:
        arrivedMs[arrived] = nowMs;
        if (!site.server.enter(arrived, site.drawWorkMs(), nowMs)) ended++;
        if (++arrived < REQUESTS_PER_POINT) queue.push(nowMs + exponential(arrivals, 1_000 / ratePerSecond), ARRIVAL);
        break;
      case NEIGHBOUR:
        site.server.enter(REQUESTS_PER_POINT, site.neighbour?.drawWorkMs() ?? 0, nowMs);
        queue.push(site.neighbour?.nextMs(nowMs) ?? Number.POSITIVE_INFINITY, NEIGHBOUR);
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
      if (job === REQUESTS_PER_POINT) continue;
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
