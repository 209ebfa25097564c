// Dec-SARSA: decentralised differential SARSA per request (Proietti Mattia, Beraldi, "Online decentralized scheduling in fog
// computing for smart cities based on reinforcement learning", IEEE TCCN 10(4), 2024), adapted to choosing instances as Čilić et al. did
// for their comparison: state is what this load balancer estimates of round trip plus processing, reward is success.

import type { Candidate, Outcome, RequestInfo } from '../domain.ts';
import { numberOf, recordOf, tenths } from '../snapshot-shape.ts';
import { grownFloat64 } from '../stats/grown.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';
import type { OptionValues } from './options.ts';
import type { CandidateView, PolicyContext, PolicySummary } from './policy.ts';

const BIN_MS = 10;
/** The last bin takes everything slower. */
const BINS = 32;
/** Share of a new measurement in the estimate that the state is made of. */
const NEW_SHARE = 0.2;

const OPTIONS = {
  learning_rate: { kind: 'number', default: 0.05, min: 0, max: 1, about: 'step of the action values' },
  reward_rate: { kind: 'number', default: 0.01, min: 0, max: 1, about: 'step of the mean reward' },
  exploration: { kind: 'number', default: 0.2, min: 0, max: 1, about: 'ε to begin with' },
  exploration_min: { kind: 'number', default: 0.02, min: 0, max: 1, about: 'ε in the end' },
  decay: { kind: 'number', default: 0.998, min: 0, max: 1, about: 'what ε is multiplied by each request' },
} as const;

export const DEC_SARSA = definePolicy({
  about: 'per-request reinforcement learning on success',
  options: OPTIONS,
  create: (values, context) => new DecSarsa(values, context),
});

/**
 * Deviation: the joint state of all instances' bins has far more values than there are requests. An action's value is
 * read from the part of the state that concerns it: Q(bin of instance a's estimate, a).
 * Deviation: many requests are under way at once, so s is the state when the answer comes and not when its request left,
 * and a′ is what the next request takes, not the one after this. A failure is estimated as slower than every bin.
 */
class DecSarsa extends BasePolicy {
  readonly name = 'dec-sarsa';
  readonly #options: OptionValues<typeof OPTIONS>;
  readonly #context: PolicyContext;
  /** Q by handle and bin. */
  #values: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Estimated round trip plus processing; NaN until measured. */
  #latencyMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** r̄. */
  #meanReward = 0;
  #epsilon: number;
  /** a′: drawn when the last answer was learned from, taken by the next request. */
  #nextAction: Candidate | null = null;

  constructor(options: OptionValues<typeof OPTIONS>, context: PolicyContext) {
    super();
    this.#options = options;
    this.#context = context;
    this.#epsilon = options.exploration;
  }

  select(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    const drawn = this.#nextAction;
    this.#nextAction = null;
    this.#epsilon = Math.max(this.#options.exploration_min, this.#epsilon * this.#options.decay);
    return drawn !== null && candidates.includes(drawn) ? drawn : this.#draw(candidates);
  }

  /** δ = r − r̄ + Q(s′,a′) − Q(s,a);  Q ← Q + α·δ,  r̄ ← r̄ + β·δ. */
  override observe(outcome: Outcome, _nowMs: number): void {
    if (outcome.kind === 'start') return;
    const { candidate, latencyMs, result } = outcome;
    if (result === 'aborted' && latencyMs <= this.#context.qos.latencyMs) return;
    const at = this.#cellOf(candidate);
    const before = this.#values[at] as number;
    this.#measure(candidate, result === 'answered' ? latencyMs : Math.max(latencyMs, BINS * BIN_MS));
    if (this.active.length === 0) return;
    this.#nextAction = this.#draw(this.active);
    const next = this.#nextAction === null ? 0 : (this.#values[this.#cellOf(this.#nextAction)] as number);
    const delta = (outcome.success ? 1 : 0) - this.#meanReward + next - before;
    this.#values[at] = before + this.#options.learning_rate * delta;
    this.#meanReward += this.#options.reward_rate * delta;
  }

  override update(candidates: readonly Candidate[], nowMs: number): void {
    super.update(candidates, nowMs);
    this.#nextAction = null;
  }

  override view(candidate: Candidate, nowMs: number): CandidateView {
    const latencyMs = this.#estimateOf(candidate);
    return {
      ...super.view(candidate, nowMs),
      processingMs: Math.max(0, latencyMs - candidate.rttMs),
      extra: { value: this.#values[this.#cellOf(candidate)] as number, latencyMs },
    };
  }

  override summary(_nowMs: number): PolicySummary {
    return { explorationShare: this.#epsilon, panic: false };
  }

  override snapshot(_nowMs: number): unknown {
    const instances: Record<string, unknown> = {};
    for (const candidate of this.candidateDiff) {
      const { handle, key } = candidate;
      const values = this.#values.subarray(handle * BINS, (handle + 1) * BINS);
      const latency = this.#latencyMs[handle] as number;
      instances[key] = {
        ...(Number.isNaN(latency) ? {} : { latencyMs: tenths(latency) }),
        values: Array.from(values, (value) => Math.round(value * 1e4) / 1e4),
      };
    }
    return { version: 1, epsilon: this.#epsilon, meanReward: this.#meanReward, instances };
  }

  override restore(snapshot: unknown, _ageMs: number, _nowMs: number): void {
    const { version, epsilon, meanReward, instances } = recordOf(snapshot);
    if (version !== 1) return;
    this.#epsilon = numberOf(epsilon, { min: 0, max: 1, otherwise: this.#epsilon });
    this.#meanReward = numberOf(meanReward, { min: -10, max: 10, otherwise: 0 });
    const byKey = recordOf(instances);
    for (const candidate of this.candidateDiff) {
      if (!Object.hasOwn(byKey, candidate.key)) continue;
      const saved = recordOf(byKey[candidate.key]);
      this.#latencyMs[candidate.handle] = numberOf(saved.latencyMs, { min: 0, max: 1e9, otherwise: Number.NaN });
      const values: readonly unknown[] = Array.isArray(saved.values) ? saved.values : [];
      for (let bin = 0; bin < BINS; bin++) {
        this.#values[candidate.handle * BINS + bin] = numberOf(values[bin], { min: -100, max: 100, otherwise: 0 });
      }
    }
  }

  override reset(nowMs: number): void {
    super.reset(nowMs);
    this.#meanReward = 0;
    this.#epsilon = this.#options.exploration;
    this.#nextAction = null;
  }

  protected override learnOf({ handle }: Candidate): void {
    this.#values = grownFloat64(this.#values, (handle + 1) * BINS);
    this.#latencyMs = grownFloat64(this.#latencyMs, handle + 1, Number.NaN);
    this.#values.fill(0, handle * BINS, (handle + 1) * BINS);
    this.#latencyMs[handle] = Number.NaN;
  }

  /** ε for any, 1 − ε for the highest value (shared by equals). */
  protected override shareOf(candidate: Candidate): number {
    const value = (one: Candidate): number => this.#values[this.#cellOf(one)] as number;
    const highest = Math.max(...this.active.map(value));
    const best = this.active.filter((one) => value(one) === highest).length;
    return this.#epsilon / this.active.length + (value(candidate) === highest ? (1 - this.#epsilon) / best : 0);
  }

  /** ε-greedy, equals at random. */
  #draw(candidates: readonly Candidate[]): Candidate | null {
    const { rng } = this.#context;
    if (rng.next() < this.#epsilon) return candidates[Math.floor(rng.next() * candidates.length)] ?? null;
    let best: Candidate | null = null;
    let highest = Number.NEGATIVE_INFINITY;
    let ties = 0;
    for (const candidate of candidates) {
      const value = this.#values[this.#cellOf(candidate)] as number;
      if (value < highest) continue;
      ties = value > highest ? 1 : ties + 1;
      highest = value;
      if (ties === 1 || rng.next() * ties < 1) best = candidate;
    }
    return best;
  }

  #measure(candidate: Candidate, latencyMs: number): void {
    const before = this.#latencyMs[candidate.handle] as number;
    this.#latencyMs[candidate.handle] = Number.isNaN(before) ? latencyMs : before + NEW_SHARE * (latencyMs - before);
  }

  #estimateOf({ handle, rttMs }: Candidate): number {
    const latencyMs = this.#latencyMs[handle] as number;
    return Number.isNaN(latencyMs) ? rttMs : latencyMs;
  }

  #cellOf(candidate: Candidate): number {
    return candidate.handle * BINS + Math.min(BINS - 1, Math.floor(this.#estimateOf(candidate) / BIN_MS));
  }
}
