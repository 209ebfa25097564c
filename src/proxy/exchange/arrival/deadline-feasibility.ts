// Whether any instance of a service could answer within a budget, as far as its router knows: for services that refuse at once
// what would come too late.

import type { InstanceState, ServiceRouter } from '../../../core/service-router.ts';

/** How old the picture of the instances may get, ms: putting it together costs more than a request may. */
const PICTURE_MS_MAX = 250;
/** One request in this time goes through in any case: without an attempt nothing new would ever be learned. */
const TRIAL_MS = 1000;
/** The least share of the mean processing latency to reckon with: with what is seen of inference hardly one answer in twenty is faster. */
const FASTEST_RATIO = 0.5;

/** Whether any instance of a service could answer within a budget, as far as its router knows. */
export class DeadlineFeasibility {
  readonly #router: ServiceRouter;
  #leastMs = 0;
  #takenMs = Number.NEGATIVE_INFINITY;
  #trialMs = Number.NEGATIVE_INFINITY;

  constructor(router: ServiceRouter) {
    this.#router = router;
  }

  /** Also true once in a while for what seems out of reach, and when there is no instance at all: that is another error. */
  within(budgetMs: number, nowMs: number): boolean {
    if (nowMs - this.#takenMs > PICTURE_MS_MAX) {
      this.#takenMs = nowMs;
      this.#leastMs = leastLatencyMs(this.#router.instances(nowMs));
    }
    if (this.#leastMs <= budgetMs) return true;
    if (nowMs - this.#trialMs < TRIAL_MS) return false;
    this.#trialMs = nowMs;
    return true;
  }
}

function leastLatencyMs(
  instances: Iterable<Pick<InstanceState, 'availability' | 'lacks' | 'rttMs' | 'processingMs'>>,
): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (const { availability, lacks, rttMs, processingMs } of instances) {
    if (availability !== 'up' || lacks.length > 0) continue;
    leastMs = Math.min(leastMs, rttMs + FASTEST_RATIO * (processingMs ?? 0));
  }
  return leastMs === Number.POSITIVE_INFINITY ? 0 : leastMs;
}
