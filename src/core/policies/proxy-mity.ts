// proxy-mity (Fahs, Pierre, "Proximity-aware traffic routing in distributed fog computing platforms", CCGrid 2019), in
// the form that the authors of QEdgeProxy compared with: requests go at random by weights that fall steeply with the
// round trip, blended with equal ones by α.

import type { Candidate, RequestInfo } from '../domain.ts';
import type { Rng } from '../rng.ts';
import { grownFloat64 } from '../stats/grown.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';

/** e-folding of the weight per round trip. */
const DECAY_MS = 2;

export const PROXY_MITY = definePolicy({
  about: 'random by weights that fall with the round trip',
  options: {
    alpha: { kind: 'number', default: 1, min: 0, max: 1, about: 'α: 1 is pure proximity, 0 equal shares' },
    refresh: {
      kind: 'duration',
      defaultMs: 60_000,
      minMs: 100,
      maxMs: 3_600_000,
      about: 'how often weights follow the round trips',
    },
  },
  create: ({ alpha, refresh }, { rng }) => new ProxyMity(alpha, refresh, rng),
});

class ProxyMity extends BasePolicy {
  readonly name = 'proxy-mity';
  override readonly stepMs: number;
  readonly #alpha: number;
  readonly #rng: Rng;
  #weights: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** How many of those up had a measured round trip when the weights were made. */
  #measured = 0;

  constructor(alpha: number, refreshMs: number, rng: Rng) {
    super();
    this.#alpha = alpha;
    this.stepMs = refreshMs;
    this.#rng = rng;
  }

  select(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    let total = 0;
    for (const { handle } of candidates) total += this.#weights[handle] as number;
    let point = this.#rng.next() * total;
    for (const candidate of candidates) {
      point -= this.#weights[candidate.handle] as number;
      if (point < 0) return candidate;
    }
    // All weights on offer vanish: those tried before had all there was. The router takes the nearest.
    return null;
  }

  /** Weights follow the set at once, and round trips only every refresh, as in the original. */
  override update(candidates: readonly Candidate[], nowMs: number): void {
    const before = this.active;
    super.update(candidates, nowMs);
    const changed = this.active.length !== before.length || this.active.some((candidate, i) => candidate !== before[i]);
    const measured = this.active.reduce((count, { rttKnown }) => count + (rttKnown ? 1 : 0), 0);
    if (changed || measured !== this.#measured) this.#refresh();
    this.#measured = measured;
  }

  override tick(_nowMs: number): void {
    this.#refresh();
  }

  protected override learnOf({ handle }: Candidate): void {
    this.#weights = grownFloat64(this.#weights, handle + 1);
  }

  protected override shareOf({ handle }: Candidate): number {
    return this.#weights[handle] as number;
  }

  /** w_m = (1 − α)/n + α · e^(−ℓⁿ_m/2) / Σ_j e^(−ℓⁿ_j/2), RTT in whole ms; exponents relative to the nearest, which changes nothing. */
  #refresh(): void {
    const n = this.active.length;
    const nearestMs = this.active.reduce(
      (least, { rttMs }) => Math.min(least, Math.round(rttMs)),
      Number.POSITIVE_INFINITY,
    );
    const closeness = ({ rttMs }: Candidate): number => Math.exp(-(Math.round(rttMs) - nearestMs) / DECAY_MS);
    const sum = this.active.reduce((total, candidate) => total + closeness(candidate), 0);
    for (const candidate of this.active) {
      this.#weights[candidate.handle] = (1 - this.#alpha) / n + (this.#alpha * closeness(candidate)) / sum;
    }
  }
}
