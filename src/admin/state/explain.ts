// Why the next request of a service would go where it would: every candidate with its numbers, and a sentence each.

import { assertNever } from '../../core/assert.ts';
import type { InstanceKey } from '../../core/domain.ts';
import { isPolicyName, POLICIES } from '../../core/policies/registry.ts';
import type { InstanceState, RoutePreview, RouterState } from '../../core/service-router.ts';
import { cooldownText, reasonsText } from '../../core/standing.ts';

/** Answer of `…/explain`: where the next request would go, and what speaks for and against each candidate. */
export interface ExplainDocument {
  readonly service: string;
  readonly policy: string;
  readonly clientId: string;
  /** Event loops that decide, each for itself (`proxy.workers`); which of them a request meets is left to chance. */
  readonly eventLoops: number;
  /**
   * Where most of them would send it; the main thread's choice where as many would send it elsewhere. Null when there is no instance at
   * all, or when it is left to chance.
   */
  readonly chosen: InstanceKey | null;
  /** The step of routing that chose it. */
  readonly tier: RoutePreview['tier'];
  readonly byChance: boolean;
  /** Why the chosen one was chosen. */
  readonly reason: string;
  /** The chosen one first, then by weight. */
  readonly candidates: readonly ExplainedCandidate[];
}

/** An instance with the reason why it is, or is not, the next. */
export interface ExplainedCandidate extends InstanceState {
  readonly chosen: boolean;
  /** Event loops that would send it here. */
  readonly eventLoops: number;
  /** Why it was chosen, or why not. */
  readonly reason: string;
}

/** `state` of all event loops together, `previews` of each, of the same moment. */
export function explain(state: RouterState, previews: readonly RoutePreview[], clientId: string): ExplainDocument {
  const loopsFor = (key: InstanceKey | null): number =>
    previews.filter(({ candidate }) => candidate?.key === key).length;
  const preview = previews.toSorted((a, b) => loopsFor(keyOf(b)) - loopsFor(keyOf(a)))[0] ?? NO_PREVIEW;
  const key = keyOf(preview);
  const chosen = state.instances.find((instance) => instance.key === key) ?? null;
  const reason = whyChosen(state, preview, chosen);
  const byWeight = picksOf(state) === null;
  const candidates = state.instances
    .map((instance) => {
      const eventLoops = loopsFor(instance.key);
      const why = instance === chosen ? reason : whyNot(instance, preview, byWeight);
      const also =
        instance !== chosen && eventLoops > 0 ? `next in ${eventLoops} of ${previews.length} event loops: ` : '';
      return {
        ...instance,
        chosen: instance === chosen,
        eventLoops,
        reason: `${also}${also === '' ? why : share(instance)}`,
      };
    })
    .sort((a, b) => b.eventLoops - a.eventLoops || Number(b.chosen) - Number(a.chosen) || byShare(a, b));
  const { tier, byChance } = preview;
  const { service, policy } = state;
  return { service, policy, clientId, eventLoops: previews.length, chosen: key, tier, byChance, reason, candidates };
}

const NO_PREVIEW: RoutePreview = { candidate: null, tier: 'policy', byChance: false };

const keyOf = ({ candidate }: RoutePreview): InstanceKey | null => candidate?.key ?? null;

const byShare = (a: InstanceState, b: InstanceState): number => b.weight - a.weight || (a.key < b.key ? -1 : 1);

function whyChosen(state: RouterState, { tier, byChance }: RoutePreview, chosen: InstanceState | null): string {
  if (byChance) return `${state.policy} ${picksOf(state) ?? 'draws lots: each instance gets its weight'}`;
  if (tier === 'barred') return 'refused: every instance lacks something that qos.security demands';
  if (tier === 'shed') return 'refused: no instance is expected to answer in time';
  if (chosen === null) return 'no instance is known: the answer would be 503 no-instance';
  switch (tier) {
    case 'policy':
      return `next by ${state.policy}: ${share(chosen)}${expected(chosen, state)}${aside(chosen)}`;
    case 'ejected':
      return `back first, in ${cooldownText(chosen.cooldownMs)}: every instance that could meet the limit is ejected`;
    case 'fallback':
      return `the best success estimate, or the nearest: ${state.policy} wants none`;
    case 'last-resort':
      return 'the best of those left: only suspect and draining instances are';
    default:
      return assertNever(tier);
  }
}

function picksOf({ policy }: RouterState): string | null {
  return isPolicyName(policy) ? POLICIES[policy].picks : null;
}

/** `byWeight`: the weights say how often it is taken. */
function whyNot(instance: InstanceState, { byChance }: RoutePreview, byWeight: boolean): string {
  if (instance.lacks.length > 0) return instance.note;
  if (instance.availability === 'draining') return 'draining: gets nothing new unless it is among the last';
  if (instance.availability === 'suspect') return 'suspect: its node was lost or its checks fail';
  if (instance.cooldownMs > 0) return `ejected for ${cooldownText(instance.cooldownMs)}${aside(instance)}`;
  if (instance.weight === 0) return instance.note === '' ? 'gets no share now' : instance.note;
  if (byChance && !byWeight) return `may be taken${aside(instance)}`;
  return `${byChance ? 'may be drawn' : 'not its turn'}: ${share(instance)}${aside(instance)}`;
}

const share = ({ weight }: InstanceState): string => `weight ${percent(weight)}`;

function expected({ successProbability }: InstanceState, { qos }: RouterState): string {
  if (successProbability === null) return '';
  return `, ${percent(successProbability)} of its answers expected within ${Math.round(qos.latencyMs)} ms`;
}

/** The policy's note, and what was held against the instance in its last attempts. */
function aside({ note, reasons }: InstanceState): string {
  const held = reasons.length === 0 ? '' : `last attempts: ${reasonsText(reasons)}`;
  const text = [note, held].filter((part) => part !== '').join('; ');
  return text === '' ? '' : ` (${text})`;
}

const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;
