// What the slow loop knows of each instance: success probability P, mean processing latency G, congestion pressure u and
// the cost c that its weight is moved by; all by handle, as of the last step.

import type { Candidate } from '../../domain.ts';
import type { Hearsay } from '../../neighbours/hearsay.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import type { LatencyWindow } from '../../stats/latency-window.ts';
import { WeightedKde } from '../../stats/weighted-kde.ts';
import { type FlightView, NO_FLIGHT, type PolicyContext } from '../policy.ts';
import { Memory } from './memory.ts';
import { type QedgeOptions, type QedgeScale, scaleTo } from './options.ts';
import { OwnBaseline } from './own-baseline.ts';
import { priorSuccess } from './prior.ts';

/** A failure counts as this many τ, or as long as it took. */
export const FAILURE_LATENCIES = 3;
/** A prior's processing latency, in those of the idle instance: somewhat loaded. */
const PRIOR_LATENCY = 1.5;
/** The least share of τ that an excess is weighed against: a millisecond of noise is no congestion, however quick the instance. */
const BASELINE_SHARE_MIN = 0.1;
/** With so many samples of others per instance, congestion by few own samples is noise: success says more. */
const HEARSAY_CLEAR = 1;
/** The factor on what is promised before any sample where several neighbours see requests fail. */
const FAILING_PRIOR = 0.2;
/** The part of the policy's context that estimates need. */
type EstimatesContext = Pick<PolicyContext, 'qos' | 'flights' | 'hearsay'>;

/** What is heard where no neighbour says anything. */
const SILENCE: Hearsay = {
  look: () => {},
  weight: 0,
  failing: false,
  lately: 0,
  latelyInTime: 0,
  voices: 0,
  sentPerSecond: () => 0,
};

export class Estimates {
  readonly #options: QedgeOptions;
  readonly #latencyMs: number;
  readonly #scale: QedgeScale;
  readonly #flights: FlightView;
  readonly #hearsay: Hearsay;
  readonly #kde: WeightedKde;
  readonly #baseline: OwnBaseline;
  readonly memory: Memory;
  /** P_m in [0, 1], indexed by handle; NaN before the first step. */
  success: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** G_m, ms, indexed by handle; NaN before the first step. */
  processingMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** u_m in [0, 1), indexed by handle. */
  pressure: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** c_m, indexed by handle. */
  costs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Success to expect by what neighbours saw, before any own sample; NaN where they said nothing of it. */
  heardSuccess: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** How many neighbours `heardSuccess` rests on, indexed by handle. */
  heardVoices: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Whether, in this step, a neighbour has seen something of a member lately. */
  heard = false;
  readonly #look: { limitMs: number; ownWeight: number; nowMs: number };
  /** Fresh samples of all members together in this step. */
  #fresh = 0;
  /** Own samples of all members together, and what others saw of them, each up to `HEARSAY_CLEAR`. */
  #own = 0;
  #said = 0;
  /** λ in this step, lower the more others know. One price for all, or what is seldom used looks cheap. */
  #price = 0;
  #overdue = 0;
  #overdueMs = 0;

  constructor(options: QedgeOptions, { qos, flights, hearsay }: EstimatesContext) {
    const { latencyMs, windowMs } = qos;
    this.memory = new Memory(windowMs);
    this.#options = options;
    this.#latencyMs = latencyMs;
    this.#scale = scaleTo(latencyMs);
    this.#flights = flights;
    this.#hearsay = hearsay ?? SILENCE;
    this.#baseline = new OwnBaseline(1 + (options.baseline_rise * options.step) / 1000, FAILURE_LATENCIES * latencyMs);
    this.#look = { limitMs: 0, ownWeight: 0, nowMs: 0 };
    this.#kde = new WeightedKde({
      halfLifeMs: options.half_life,
      bandwidthMsMin: this.#scale.bandwidthMsMin,
      bandwidthMsMax: this.#scale.bandwidthMsMax,
      latencyMsMax: 2 * latencyMs,
    });
  }

  ensureHandles(handles: number): void {
    this.success = grownFloat64(this.success, handles, Number.NaN);
    this.processingMs = grownFloat64(this.processingMs, handles, Number.NaN);
    this.pressure = grownFloat64(this.pressure, handles);
    this.costs = grownFloat64(this.costs, handles);
    this.heardSuccess = grownFloat64(this.heardSuccess, handles);
    this.heardVoices = grownFloat64(this.heardVoices, handles);
    this.#baseline.ensureHandles(handles);
    this.memory.ensureHandles(handles);
  }

  forget(handle: number): void {
    this.success[handle] = Number.NaN;
    this.processingMs[handle] = Number.NaN;
    this.pressure[handle] = 0;
    this.costs[handle] = 0;
    this.#baseline.forget(handle);
    this.memory.forget(handle);
  }

  /** Begins a decision step. */
  advance(): void {
    this.#price = this.#options.price;
    if (this.#said > 0) this.#price *= this.#own / (this.#own + this.#said);
    this.#own = 0;
    this.#said = 0;
    this.#fresh = 0;
    this.heard = false;
    this.#baseline.advance();
  }

  /**
   * Takes stock of one instance at a step; `unloadedMs` is q20. Deviations from the pseudo-code, each with a switch for
   * studies: the prior is what is remembered (`memory`), and congestion is measured against what the instance itself takes when it
   * is idle, not the service (`own_baseline`).
   */
  refresh(
    candidate: Candidate,
    window: LatencyWindow,
    at: { readonly unloadedMs: number; readonly nowMs: number },
  ): void {
    const { handle, rttMs } = candidate;
    const { prior, pressure } = this.#options;
    const { unloadedMs, nowMs } = at;
    window.expire(nowMs);
    this.#kde.measure(window, this.#latencyMs - rttMs, nowMs);
    this.#countOverdue(candidate, nowMs);
    const said = this.#hearsay;
    this.#look.limitMs = this.#latencyMs - rttMs;
    this.#look.ownWeight = this.#kde.weight;
    this.#look.nowMs = nowMs;
    said.look(handle, this.#look);
    this.#own += this.#kde.weight + this.#overdue;
    this.#said += Math.min(HEARSAY_CLEAR, said.weight);
    this.#fresh += this.#kde.weight + this.#overdue + said.weight;
    // What others saw is in the prior alone: load balancers that step by the same estimates follow one another.
    const evidence = this.#kde.weight + this.#overdue + prior;
    const byDistance = priorSuccess({ rttMs, latencyMs: this.#latencyMs, unloadedMs }, this.#scale);
    // What others saw of an instance says more of it than the way there does.
    const estimated = (byDistance + said.latelyInTime) / (1 + said.lately);
    const baselineMs = this.#options.own_baseline ? this.#baseline.refresh(handle, window, unloadedMs) : unloadedMs;
    const promised = said.failing ? FAILING_PRIOR * estimated : estimated;
    this.heard ||= said.lately > 0;
    this.heardSuccess[handle] = said.lately > 0 ? promised : Number.NaN;
    this.heardVoices[handle] = said.voices;
    this.memory.compare(handle, promised);
    const expected = this.#options.memory ? this.memory.success(handle, this.memory.hope * promised) : promised;
    const estimatedMs = PRIOR_LATENCY * baselineMs;
    const expectedMs = this.#options.memory ? this.memory.processingMs(handle, estimatedMs) : estimatedMs;
    const success = (this.#kde.successWeight + prior * expected) / evidence;
    const processingMs = (this.#kde.latencySumMs + this.#overdueMs + prior * expectedMs) / evidence;
    const excessMs = Math.max(0, processingMs - baselineMs);
    this.success[handle] = success;
    this.processingMs[handle] = processingMs;
    const floorMs = Math.max(baselineMs, BASELINE_SHARE_MIN * this.#latencyMs);
    this.pressure[handle] = excessMs / (excessMs + pressure * floorMs);
    this.costs[handle] = 1 - success + this.#price * this.pressure[handle];
  }

  /** How far to trust a step by these estimates, 0 to 1: of what is known, here and by neighbours, the share that is not prior. */
  trust(members: number): number {
    return this.#fresh / (this.#fresh + members * this.#options.prior);
  }

  /** Returns the bandwidth h of a window, ms, for the density that people look at. */
  bandwidthMs(window: LatencyWindow, nowMs: number): number {
    this.#kde.measure(window, this.#latencyMs, nowMs);
    return this.#kde.bandwidthMs;
  }

  /** Censoring: what is in flight for longer than τ has failed already, and took at least as long as it is under way. */
  #countOverdue({ handle, rttMs }: Candidate, nowMs: number): void {
    this.#overdue = 0;
    this.#overdueMs = 0;
    if (!this.#options.censoring) return;
    for (let ticket = this.#flights.oldest(handle); ticket !== NO_FLIGHT; ticket = this.#flights.next(ticket)) {
      const ageMs = nowMs - this.#flights.startMs(ticket);
      // Oldest first: the rest is younger still.
      if (ageMs <= this.#latencyMs) return;
      this.#overdue++;
      this.#overdueMs += Math.min(2 * this.#latencyMs, ageMs - rttMs);
    }
  }
}
