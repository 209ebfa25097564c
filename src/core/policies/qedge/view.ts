// The default policy for people: which pool an instance is in, and why it gets what it gets.

import type { Candidate } from '../../domain.ts';
import type { CandidateView } from '../policy.ts';

export interface QedgeFacts {
  readonly candidate: Candidate;
  /** It is active. */
  readonly member: boolean;
  readonly weight: number;
  /** P, G: NaN before the first step. */
  readonly success: number;
  readonly processingMs: number;
  readonly pressure: number;
  readonly cost: number;
  readonly samples: number;
  readonly misses: number;
  /** Milliseconds for which its misses still make it late. */
  readonly lateMs: number;
  /** One more request would find too long a queue there. */
  readonly full: boolean;
  /** Its oldest request in flight is older than τ. */
  readonly overdue: boolean;
  readonly unloadedMs: number;
}

/** From this pressure on, congestion is worth a word. */
const PRESSURE_NOTED = 0.5;

/** Active candidates with P ≥ ρ that are not late are the exploitation pool, the other active ones the exploration pool. */
export function viewOf(facts: QedgeFacts, successRatio: number): CandidateView {
  const trusted = facts.success >= successRatio && facts.lateMs === 0 && !facts.overdue;
  return {
    pool: facts.member ? (trusted ? 'exploitation' : 'exploration') : 'out',
    weight: facts.weight,
    successProbability: Number.isNaN(facts.success) ? null : facts.success,
    processingMs: Number.isNaN(facts.processingMs) ? null : facts.processingMs,
    samples: facts.samples,
    cooldownMs: facts.lateMs,
    note: noteOn(facts, successRatio),
    extra: {
      pressure: facts.pressure,
      cost: facts.cost,
      misses: facts.misses,
      unloadedMs: facts.unloadedMs,
    },
  };
}

function noteOn(facts: QedgeFacts, successRatio: number): string {
  const { candidate } = facts;
  if (!candidate.isActive) return candidate.availability;
  if (facts.overdue) return 'passed over: its oldest request is overdue';
  if (facts.lateMs > 0) return `passed over after ${facts.misses} ${facts.misses === 1 ? 'miss' : 'misses'} in a row`;
  if (facts.full) return 'passed over: its queue is too long for the limit';
  if (Number.isNaN(facts.success)) return 'judged by its round trip: no decision step yet';
  if (facts.samples === 0) return 'judged by its round trip: no samples';
  if (facts.success < successRatio) return 'below the target: explored';
  return facts.pressure >= PRESSURE_NOTED ? 'meets the target, but congested' : 'meets the target';
}
