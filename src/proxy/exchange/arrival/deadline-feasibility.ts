// Whether any instance of a service could answer within a budget, as far as its router knows: for services that refuse at once
// what would come too late.

import type { Availability } from '../../../core/domain.ts';
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
  instances: readonly Pick<InstanceState, 'availability' | 'lacks' | 'rttMs' | 'processingMs'>[],
): number {
  const takesTraffic = (availability: Availability): boolean => availability === 'up';
  const usable = instances.filter(({ availability, lacks }) => takesTraffic(availability) && lacks.length === 0);
  if (usable.length === 0) return 0;
  return Math.min(...usable.map(({ rttMs, processingMs }) => rttMs + FASTEST_RATIO * (processingMs ?? 0)));
}
