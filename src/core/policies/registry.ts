// Every policy by the name people write in the config.

import { assert } from '../assert.ts';
import type { Preference } from '../domain.ts';
import { COOPERATIVE } from './cooperative/policy.ts';
import { DEC_SARSA } from './dec-sarsa.ts';
import type { PolicyDefinition } from './definition.ts';
import { LEAST_CONNECTIONS } from './least-connections.ts';
import { HIGHEST_ACCURACY, LOWEST_ENERGY, LOWEST_TIME } from './multi-objective/baselines.ts';
import { MULTI_OBJECTIVE } from './multi-objective/policy.ts';
import type { PolicyProblem, Purpose } from './options.ts';
import { P2C_EWMA } from './p2c-ewma.ts';
import type { Policy, PolicyContext } from './policy.ts';
import { PreferPolicy } from './prefer/policy.ts';
import { PROXY_MITY } from './proxy-mity.ts';
import { QEDGE } from './qedge/policy.ts';
import { QEDGEPROXY } from './qedgeproxy/policy.ts';
import { QEDGEPROXY_2024 } from './qedgeproxy-2024.ts';
import { RANDOM } from './random.ts';
import { ROUND_ROBIN } from './round-robin.ts';

/** The one list of policies; the order is that of the help. */
export const POLICIES = {
  qedge: QEDGE,
  qedgeproxy: QEDGEPROXY,
  'qedgeproxy-2024': QEDGEPROXY_2024,
  'dec-sarsa': DEC_SARSA,
  'proxy-mity': PROXY_MITY,
  'p2c-ewma': P2C_EWMA,
  'least-connections': LEAST_CONNECTIONS,
  'round-robin': ROUND_ROBIN,
  random: RANDOM,
  cooperative: COOPERATIVE,
  'multi-objective': MULTI_OBJECTIVE,
  'lowest-energy': LOWEST_ENERGY,
  'lowest-time': LOWEST_TIME,
  'highest-accuracy': HIGHEST_ACCURACY,
} satisfies Readonly<Record<string, PolicyDefinition>>;

/** Name of a policy of the list. */
export type PolicyName = keyof typeof POLICIES;

/** Names in the order in which they are to be shown. */
export const POLICY_NAMES = Object.keys(POLICIES) as readonly PolicyName[];

/** A policy by name, with options as a person wrote them. */
export interface PolicyChoice {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * What is wrong with a choice of policy, for the config layer to place: `path` is `name` for an unknown policy, else the
 * name of the option. Empty when nothing is wrong. Switches for studies are wrong for a service.
 */
export function checkPolicy(choice: PolicyChoice, purpose: Purpose = 'service'): PolicyProblem[] {
  if (isPolicyName(choice.name)) return POLICIES[choice.name].check(choice.options, purpose);
  return [
    {
      path: 'name',
      message: `unknown policy ${JSON.stringify(choice.name)}, expected one of ${POLICY_NAMES.join(', ')}`,
    },
  ];
}

/** Makes a policy from a choice that `checkPolicy` found nothing wrong with; one for each group where some are preferred. */
export function createPolicy(choice: PolicyChoice, context: PolicyContext, prefer: readonly Preference[] = []): Policy {
  const { name, options } = choice;
  assert(isPolicyName(name), `policy ${name} was checked`);
  // What one group refuses, another may have room for: a policy that wraps others says itself what is too much.
  const inner = (wrapped: string): Policy => createPolicy({ name: wrapped, options: { shed: false } }, context);
  const make = (): Policy => POLICIES[name].create(options, context, inner);
  return prefer.length === 0 ? make() : new PreferPolicy(prefer, context, make);
}

/** Whether a policy of this name exists. */
export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(POLICIES, name);
}
