// Every policy by the name people write in the config.

import { assert } from '../assert.ts';
import type { PolicyDefinition } from './definition.ts';
import type { PolicyProblem } from './options.ts';
import type { Policy, PolicyContext } from './policy.ts';
import { QEDGE } from './qedge.ts';
import { QEDGEPROXY } from './qedgeproxy.ts';
import { ROUND_ROBIN } from './round-robin.ts';

export const POLICIES = {
  qedge: QEDGE,
  qedgeproxy: QEDGEPROXY,
  'round-robin': ROUND_ROBIN,
} satisfies Readonly<Record<string, PolicyDefinition>>;

export type PolicyName = keyof typeof POLICIES;

/** Names in the order in which they are to be shown. */
export const POLICY_NAMES = Object.keys(POLICIES) as readonly PolicyName[];

export interface PolicyChoice {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * What is wrong with a choice of policy, for the config layer to place: `path` is `name` for an unknown policy, else the
 * name of the option. Empty when nothing is wrong.
 */
export function checkPolicy(choice: PolicyChoice): PolicyProblem[] {
  if (isPolicyName(choice.name)) return POLICIES[choice.name].check(choice.options);
  return [
    {
      path: 'name',
      message: `unknown policy ${JSON.stringify(choice.name)}, expected one of ${POLICY_NAMES.join(', ')}`,
    },
  ];
}

/** Makes a policy from a choice that `checkPolicy` found nothing wrong with. */
export function createPolicy(choice: PolicyChoice, context: PolicyContext): Policy {
  assert(isPolicyName(choice.name), `policy ${choice.name} was checked`);
  return POLICIES[choice.name].create(choice.options, context);
}

export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(POLICIES, name);
}
