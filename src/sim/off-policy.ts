// How another policy would have done on a recorded log, and how far that can be trusted (off-policy evaluation).
//
// The policy is driven through the log with everything that is known of it: which instances were there, how far, and how the attempts
// that really happened ended. Each recorded attempt counts with the ratio of the share that the policy would have given
// its instance to the share it had (inverse propensity, self-normalised: Swaminathan & Joachims 2015), clipped so
// that a single lucky attempt cannot decide. The interval is taken over blocks of W, because attempts close in time fail together.
//
// What it cannot know: had the policy sent more to an instance, that instance would have been slower. For one load
// balancer among many the error is small; for one that carries most of the load it is not.

import { createServiceRouter } from '../core/create-router.ts';
import type { DecisionLog, DecisionLogLine } from '../core/decision-log.ts';
import type { QosTarget } from '../core/domain.ts';
import type { PolicyChoice } from '../core/policies/registry.ts';
import { createRng } from '../core/rng.ts';
import type { ServiceRouter, Ticket } from '../core/service-router.ts';

export interface OffPolicyOptions {
  readonly policy: PolicyChoice;
  /** The recorded target unless another is asked about. */
  readonly qos: QosTarget;
  readonly seed: number;
}

/** How a policy would have done; shares in [0, 1]. */
export interface OffPolicyEstimate {
  /** Recorded attempts that count: those after the first W, in which the policy is still cold. */
  readonly attempts: number;
  /** What these attempts are worth for this policy (Kish): (Σr)² / Σr². */
  readonly effectiveAttempts: number;
  /** Estimated share of successes; null without an attempt that the policy would have made. */
  readonly successRatio: number | null;
  /** 95 % interval; null when the log is shorter than a few windows. */
  readonly interval: readonly [number, number] | null;
  /** What really happened, counted by the same target. */
  readonly recordedSuccessRatio: number | null;
}

/** Bounds what a single attempt weighs: an estimate by a few attempts of great weight says nothing. */
const RATIO_MAX = 20;
/** Recorded shares below this are taken for it: what a fallback sent has no share at all. */
const WEIGHT_MIN = 0.005;
/** Windows from which an interval is estimated: the quantile of Student's t is within 1 % from 4 degrees of freedom on. */
const BLOCKS_MIN = 5;

type Attempt = Extract<DecisionLogLine, { kind: 'attempt' }>;

interface Weighted {
  readonly atMs: number;
  readonly success: boolean;
  readonly ratio: number;
}

/** Replays the whole log under the policy; cost grows with its lines. */
export function evaluateOffPolicy(log: DecisionLog, options: OffPolicyOptions): OffPolicyEstimate {
  const { qos } = options;
  const counted = replay(log, options).filter(({ atMs }) => atMs >= qos.windowMs);
  const ratios = counted.reduce((sum, { ratio }) => sum + ratio, 0);
  const squares = counted.reduce((sum, { ratio }) => sum + ratio * ratio, 0);
  const successes = counted.filter(({ success }) => success);
  return {
    attempts: counted.length,
    effectiveAttempts: squares === 0 ? 0 : (ratios * ratios) / squares,
    successRatio: ratios === 0 ? null : successes.reduce((sum, { ratio }) => sum + ratio, 0) / ratios,
    interval: intervalOf(counted, qos.windowMs),
    recordedSuccessRatio: counted.length === 0 ? null : successes.length / counted.length,
  };
}

type Happening =
  | { readonly kind: 'placement'; readonly atMs: number; readonly line: Exclude<DecisionLogLine, Attempt> }
  | { readonly kind: 'start' | 'end'; readonly atMs: number; readonly line: Attempt };

/** Returns what happened, in order; what is known at a moment comes before what is decided at it. */
function happenings({ lines }: DecisionLog): Happening[] {
  const rank = { placement: 0, end: 1, start: 2 } as const;
  return lines
    .flatMap((line): Happening[] =>
      line.kind === 'attempt'
        ? [
            { kind: 'start', atMs: line.atMs, line },
            { kind: 'end', atMs: line.atMs + line.latencyMs, line },
          ]
        : [{ kind: 'placement', atMs: line.atMs, line }],
    )
    .sort((a, b) => a.atMs - b.atMs || rank[a.kind] - rank[b.kind]);
}

/** Every recorded attempt with the ratio of the shares. */
function replay(log: DecisionLog, { policy, qos, seed }: OffPolicyOptions): Weighted[] {
  const { service, nodeId } = log.header;
  const router = createServiceRouter({ service, qos, policy, localNodeId: nodeId, rng: createRng(seed), nowMs: 0 });
  const tickets = new Map<Attempt, Ticket>();
  const weighted: Weighted[] = [];
  for (const { kind, atMs, line } of happenings(log)) {
    while (router.nextTickMs <= atMs) router.tick(router.nextTickMs);
    if (kind === 'placement') place(router, line, atMs);
    else if (kind === 'start') {
      weighted.push({ atMs, success: isSuccess(line, qos), ratio: ratioOf(router, line, atMs) });
      const candidate = router.candidates.find(({ key }) => key === line.key);
      if (candidate !== undefined) tickets.set(line, router.start(candidate, atMs));
    } else {
      const ticket = tickets.get(line);
      if (ticket !== undefined) router.finish(ticket, line.result, line.latencyMs, atMs);
    }
  }
  return weighted;
}

function place(router: ServiceRouter, line: Exclude<DecisionLogLine, Attempt>, nowMs: number): void {
  if (line.kind === 'gone') {
    router.applyPlacement({ kind: 'instance-removed', key: line.key }, nowMs);
    return;
  }
  const { instance, availability, rttMs } = line;
  const key = `${instance.nodeId}/${instance.id}`;
  if (rttMs !== null) router.observeRtt(instance.nodeId, rttMs, nowMs);
  router.applyPlacement({ kind: 'instance-set', instance }, nowMs);
  router.applyPlacement({ kind: 'instance-availability', key, availability }, nowMs);
}

function ratioOf(router: ServiceRouter, line: Attempt, nowMs: number): number {
  const share = router.state(nowMs).instances.find(({ key }) => key === line.key)?.weight ?? 0;
  return Math.min(RATIO_MAX, share / Math.max(WEIGHT_MIN, line.weight));
}

const isSuccess = ({ result, latencyMs }: Attempt, qos: QosTarget): boolean =>
  result === 'answered' && latencyMs <= qos.latencyMs;

/**
 * The ratio estimator over blocks, linearised (Cochran, Sampling Techniques, 6.4), with Student's t for as few blocks as
 * there are: attempts of one block count as one observation.
 */
function intervalOf(counted: readonly Weighted[], blockMs: number): readonly [number, number] | null {
  const blocks = new Map<number, { ratios: number; successes: number }>();
  for (const { atMs, success, ratio } of counted) {
    const at = Math.floor(atMs / blockMs);
    const block = blocks.get(at) ?? { ratios: 0, successes: 0 };
    block.ratios += ratio;
    if (success) block.successes += ratio;
    blocks.set(at, block);
  }
  const all = [...blocks.values()];
  const total = all.reduce((sum, { ratios }) => sum + ratios, 0);
  if (all.length < BLOCKS_MIN || total === 0) return null;
  const estimate = all.reduce((sum, { successes }) => sum + successes, 0) / total;
  const squares = all.reduce((sum, { ratios, successes }) => sum + (successes - estimate * ratios) ** 2, 0);
  const error = Math.sqrt((squares * all.length) / (all.length - 1)) / total;
  const halfWidth = studentQuantile(all.length - 1) * error;
  return [Math.max(0, estimate - halfWidth), Math.min(1, estimate + halfWidth)];
}

/** 97.5 % quantile of Student's t by its Cornish–Fisher expansion; within 1 % from 4 degrees of freedom on. */
function studentQuantile(degrees: number): number {
  const z = 1.959964;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3;
}
