// A policy as it is named on the command line and in scenarios: `proxy-mity`, or with options `proxy-mity:alpha=0.9:refresh=30s`.

import type { ChainSplit } from '../core/chain/stage-budgets.ts';
import { checkPolicy, type PolicyChoice } from '../core/policies/registry.ts';

/** The central allocation that regret is measured against; it is no policy of the core, for it knows what no load balancer can. */
export const ORACLE = 'oracle';

/** Behind the policy: how the goal of a chain is split. */
const SPLIT = /@(work|even)$/;

/** `qedge@even`: with a fixed split of a chain's goal, to be compared with the learned one. */
export function splitOf(text: string): ChainSplit {
  return (SPLIT.exec(text)?.[1] ?? 'learned') as ChainSplit;
}

/** A policy's text, taken apart; nothing is checked (`policyProblems` does). */
export function parsePolicy(text: string): PolicyChoice {
  const [name = '', ...options] = text.replace(SPLIT, '').split(':');
  return {
    name,
    options: Object.fromEntries(
      options.map((option) => {
        const at = option.indexOf('=');
        return at < 0 ? [option, true] : [option.slice(0, at), optionValue(option.slice(at + 1))];
      }),
    ),
  };
}

/** What is wrong with a policy's text, in words; empty when nothing is. */
export function policyProblems(text: string): string[] {
  if (text === ORACLE) return [];
  const problems = checkPolicy(parsePolicy(text), 'study');
  return problems.map(({ path, message }) => (path === 'name' ? message : `${path}: ${message}`));
}

/** What is wrong with policies where requests are, or are not, runs through a chain. */
export function chainProblem(text: string, inChain: boolean): string | null {
  if (inChain) return text === ORACLE ? 'the oracle knows no chains' : null;
  return SPLIT.test(text) ? 'a split of the goal is for scenarios with [[stage]]' : null;
}

function optionValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
