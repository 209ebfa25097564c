// The configuration for the nodes of a task as they are now. Pure, and long: among many clients it is searched for during seconds.

import {
  type ConfigurationRequest,
  configure,
  type LearningConfiguration,
  NoConfigurationError,
} from '../../../plan/learning/configuration.ts';
import { type Reconfiguration, type Remaining, reconfigure } from '../../../plan/learning/reconfiguration.ts';
import type { LearningTopology } from '../../../plan/learning/topology.ts';

/** What is known, as a thread can be given it. */
export interface Question {
  /** Null: there is none yet. */
  readonly current: LearningConfiguration | null;
  readonly nodes: LearningTopology;
  readonly request: ConfigurationRequest;
  readonly remaining: Remaining;
}

/** What was found; the first configuration of a task is a change without a cost. */
export type Finding = Reconfiguration | { readonly kind: 'none'; readonly reason: string };

/** Finds the first configuration, or the one after the present one. */
export function find({ current, nodes, request, remaining }: Question): Finding {
  try {
    return current === null
      ? { kind: 'change', configuration: configure(nodes, request), needed: true, gain: 0, cost: 0 }
      : reconfigure(current, nodes, { request, remaining });
  } catch (error) {
    if (error instanceof NoConfigurationError) return { kind: 'none', reason: error.message };
    throw error;
  }
}
