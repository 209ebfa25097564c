// Every policy of the registry against the one contract.

import { POLICY_NAMES } from '../../../src/core/policies/registry.ts';
import { describePolicyContract } from './contract.ts';

for (const name of POLICY_NAMES) describePolicyContract(name);
