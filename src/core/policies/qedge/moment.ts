// What one more request would cost at an instance just now, and which instances are passed over: those that miss more than chance
// explains, and those whose queue is too long. Asked for every request and every candidate.

import type { AttemptResult, Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import { NO_FLIGHT, type PolicyContext } from '../policy.ts';
import type { Estimates } from './estimates.ts';
import { ERROR_WEIGHT, type MissStreak } from './miss-streak.ts';
import type { QedgeOptions } from './options.ts';
import type { Pace } from './pace.ts';
import type { UnloadedLatency } from './unloaded-latency.ts';

/** An instance whose queue lets expect more than this share of τ for one more request is full. */
const FULL_SHARE = 0.9;
/** Above this share of τ it is too full even for a request that may be late. */
const HOPELESS_SHARE = 1.1;
/**
 * Misses in a row that chance makes more often than this say nothing: with each one that is out for no reason the others have more. Misses
 * seldom come alone, since one long request makes those behind it late, so by far more than one in a thousand.
 */
const CHANCE_MAX = 1e-6;

/**
 * Where nothing came back for so long, and so many τ, what is in flight may be stuck, as on a dead connection: one request that would be
 * refused asks, and then one more after this share of the time without an answer, at least that often. Sooner, it would ask what is
 * overloaded.
 */
const SILENT_MS = 2_000;
const SILENT_LATENCIES = 3;
const SILENT_SHARE = 0.25;

/** The parts that the moment is judged by. */
export interface MomentParts {
  readonly estimates: Estimates;
  readonly streaks: MissStreak;
  readonly pace: Pace;
  readonly unloaded: UnloadedLatency;
}

export class Moment {
  /** True while more than half are ejected: then an error alone is a reason to pass one over. */
  panic = false;
  readonly #paces: boolean;
  readonly #context: PolicyContext;
  readonly #parts: MomentParts;
  /** What one more request may take where a late answer may be risked, ms, by the last step. */
  #patientMs: number;
  /** 1 where the last attempt was refused, failed or found it full: no answer to use, however late. Indexed by handle. */
  #erred: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Its success before the misses in a row, which are judged by it: the success since would excuse them. */
  #usual: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** When the last attempt was sent there, and when one last ended that was not given up, ms. */
  #sentMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #heardMs: Float64Array<ArrayBuffer> = new Float64Array(0);

  constructor(options: QedgeOptions, context: PolicyContext, parts: MomentParts) {
    this.#paces = options.pace;
    this.#context = context;
    this.#parts = parts;
    this.#patientMs = FULL_SHARE * context.qos.latencyMs;
  }

  ensureHandles(handles: number): void {
    this.#erred = grownFloat64(this.#erred, handles);
    this.#usual = grownFloat64(this.#usual, handles, Number.NaN);
    this.#sentMs = grownFloat64(this.#sentMs, handles, Number.NEGATIVE_INFINITY);
    this.#heardMs = grownFloat64(this.#heardMs, handles, Number.NEGATIVE_INFINITY);
  }

  forget(handle: number): void {
    this.#erred[handle] = 0;
    this.#usual[handle] = Number.NaN;
    this.#sentMs[handle] = Number.NEGATIVE_INFINITY;
    this.#heardMs[handle] = Number.NEGATIVE_INFINITY;
  }

  /** Notes that an attempt is sent there. */
  send(handle: number, nowMs: number): void {
    this.#sentMs[handle] = nowMs;
  }

  /** Takes in how an attempt there ended, before it counts as a miss. */
  observe(handle: number, result: AttemptResult, nowMs: number): void {
    const { streaks, estimates } = this.#parts;
    const silent = result === 'timeout' || result === 'aborted';
    if (!silent) this.#heardMs[handle] = nowMs;
    this.#erred[handle] = silent || result === 'answered' ? 0 : 1;
    if (streaks.misses(handle) === 0) this.#usual[handle] = estimates.success[handle] as number;
  }

  /**
   * How many misses the one that has just come counts as. An error is several, since it says more than a late answer. It is one where it is no
   * news: of an instance that loses one request in twenty the next is answered, and what it is not sent makes the others late.
   */
  missesOf(handle: number, result: AttemptResult): number {
    if (result === 'refused') return ERROR_WEIGHT;
    if (result !== 'failed') return 1;
    const { memory } = this.#parts.estimates;
    const isNews = !memory.losesSome(handle);
    memory.observeError(handle);
    return isNews ? ERROR_WEIGHT : 1;
  }

  /** Returns what one more request there costs, ms: what it takes and how far it delays others; NaN when unknown. */
  costMs(candidate: Candidate, nowMs: number): number {
    const isOut = this.panic ? this.hasErred(candidate, nowMs) : this.#isEjected(candidate, nowMs);
    if (isOut) return Number.POSITIVE_INFINITY;
    if (!this.#paces) return 0;
    const { pace, unloaded } = this.#parts;
    return candidate.rttMs + pace.costMs(candidate, unloaded.ms, nowMs);
  }

  /** Takes a decision step. */
  step(members: readonly Candidate[]): void {
    this.#parts.pace.step(members);
    const { guidance, qos } = this.#context;
    if (guidance === null) return;
    this.#patientMs = (FULL_SHARE + guidance.patience * (HOPELESS_SHARE - FULL_SHARE)) * qos.latencyMs;
  }

  /** late(m): whether it is ejected or full. */
  isLate(candidate: Candidate, nowMs: number, isPatient = false): boolean {
    return this.#isEjected(candidate, nowMs) || this.isFull(candidate, nowMs, isPatient);
  }

  /** Whether one more request would take too much of τ there. `isPatient`: a late answer may be risked. */
  isFull(candidate: Candidate, nowMs: number, isPatient = false): boolean {
    if (!this.#paces || candidate.inFlight === 0) return false;
    const { pace, unloaded } = this.#parts;
    const expectedMs = candidate.rttMs + pace.expectedMs(candidate, unloaded.ms, nowMs);
    return expectedMs > (isPatient ? this.#patientMs : FULL_SHARE * this.#context.qos.latencyMs);
  }

  /** Returns how many requests in flight there have become late since `sinceMs`. */
  overdue({ handle }: Candidate, sinceMs: number, nowMs: number): number {
    const { flights, qos } = this.#context;
    let overdue = 0;
    for (let ticket = flights.oldest(handle); ticket !== NO_FLIGHT; ticket = flights.next(ticket)) {
      const dueMs = flights.startMs(ticket) + qos.latencyMs;
      // Oldest first: the rest is younger still.
      if (dueMs >= nowMs) return overdue;
      if (dueMs > sinceMs) overdue++;
    }
    return overdue;
  }

  /** Whether nothing came back of what is under way there, and it is time to ask whether anything would. */
  isSilent({ handle, oldestStartMs }: Candidate, nowMs: number): boolean {
    const sinceMs = Math.max(oldestStartMs, this.#heardMs[handle] as number);
    const { latencyMs } = this.#context.qos;
    const leastMs = Math.max(SILENT_MS, SILENT_LATENCIES * latencyMs);
    if (!(nowMs - sinceMs >= leastMs)) return false;
    const sentMs = this.#sentMs[handle] as number;
    return nowMs - sentMs >= Math.max(latencyMs, Math.min(leastMs, SILENT_SHARE * (sentMs - sinceMs)));
  }

  /** Whether it is passed over for its misses. The usual case takes little code, which is inlined in its callers. */
  #isEjected(candidate: Candidate, nowMs: number): boolean {
    const isLate = this.#parts.streaks.isLate(candidate.handle, nowMs);
    const isTimely = nowMs - candidate.oldestStartMs < this.#context.qos.latencyMs;
    return (isLate || !isTimely) && this.#missesUnusually(candidate, isLate, nowMs);
  }

  /**
   * Whether it misses more often now than its success before made likely: misses in a row, k for one in flight for k τ.
   * Where one request in three misses, a miss is no news, and to pass over each instance that had one is to send what it would
   * have taken in clusters to the others. An error counts in any case: a late answer is worth more.
   */
  #missesUnusually(candidate: Candidate, isLate: boolean, nowMs: number): boolean {
    if (this.hasErred(candidate, nowMs)) return true;
    const { oldestStartMs, handle } = candidate;
    const { streaks, estimates } = this.#parts;
    const usual = this.#usual[handle] as number;
    const success = Number.isNaN(usual) ? (estimates.success[handle] as number) : usual;
    const overdue = Math.max(0, Math.floor((nowMs - oldestStartMs) / this.#context.qos.latencyMs));
    const misses = overdue + (isLate ? streaks.misses(handle) : 0);
    return Number.isNaN(success) || (1 - success) ** misses < CHANCE_MAX;
  }

  /** Whether its last attempt was an error, not long ago. */
  hasErred({ handle }: Candidate, nowMs: number): boolean {
    return this.#erred[handle] === 1 && this.#parts.streaks.isLate(handle, nowMs);
  }
}
