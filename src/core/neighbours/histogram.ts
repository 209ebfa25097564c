// Latencies as counts in buckets of a log scale: what two load balancers can compare, add up and send in a hundred bytes.

/** Buckets from `LEAST_MS` to `MOST_MS`; the first and the last take what lies below and above. */
export const BUCKETS = 24;
const LEAST_MS = 0.5;
const MOST_MS = 10_000;
const LOG_STEP = Math.log(MOST_MS / LEAST_MS) / BUCKETS;

/** Counts by bucket, failures behind them. */
export const CELLS = BUCKETS + 1;
export const FAILURES = BUCKETS;

/** What a latency in the bucket is taken for, ms. */
export const MIDDLES_MS = Float64Array.from({ length: BUCKETS }, (_, b) => LEAST_MS * Math.exp((b + 0.5) * LOG_STEP));

/** Where on the scale of buckets a latency lies, 0 to `BUCKETS`. */
export function positionOf(latencyMs: number): number {
  if (!(latencyMs > LEAST_MS)) return 0;
  return Math.min(BUCKETS, Math.log(latencyMs / LEAST_MS) / LOG_STEP);
}

/** The bucket of a latency, ms. */
export function bucketOf(latencyMs: number): number {
  return Math.min(BUCKETS - 1, Math.floor(positionOf(latencyMs)));
}

/** How many of the answers lie before that position; within a bucket they lie evenly on the log scale. */
export function countBefore(cells: Float64Array, position: number): number {
  const whole = Math.floor(position);
  let count = 0;
  for (let b = 0; b < whole; b++) count += cells[b] as number;
  return whole < BUCKETS ? count + (position - whole) * (cells[whole] as number) : count;
}

/** Answers, failures left out. */
export function answersIn(cells: Float64Array): number {
  let count = 0;
  for (let b = 0; b < BUCKETS; b++) count += cells[b] as number;
  return count;
}

/** Multiplies every cell. */
export function scale(cells: Float64Array, factor: number): void {
  for (let c = 0; c < cells.length; c++) cells[c] = (cells[c] as number) * factor;
}

/** Adds `factor` times the other's cells, of which there may be fewer. */
export function add(cells: Float64Array, other: ArrayLike<number>, factor = 1): void {
  for (let c = 0; c < other.length; c++) cells[c] = (cells[c] as number) + factor * (other[c] as number);
}
