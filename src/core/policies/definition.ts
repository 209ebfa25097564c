// What a policy file exports beside its code: the name people write, one line about it, its options, how to make it.

import {
  type OptionSpecs,
  type OptionValues,
  type PolicyProblem,
  type Purpose,
  readOptions,
  studyProblems,
} from './options.ts';
import type { Policy, PolicyContext } from './policy.ts';

export interface PolicyDefinition {
  /** One line for people: `qedge check`, the docs. */
  readonly about: string;
  readonly options: OptionSpecs;
  /** How it picks where that shows only with the request, in words that follow its name. Null: by its weights, in turn or by lot. */
  readonly picks: string | null;
  /** What is wrong with the options that a person wrote; empty when nothing is. */
  check(raw: Readonly<Record<string, unknown>>, purpose: Purpose): PolicyProblem[];
  /** Makes one from options that passed `check`; those that would not are replaced by their defaults. */
  create(raw: Readonly<Record<string, unknown>>, context: PolicyContext, make: MakePolicy): Policy;
}

/** Makes a policy by name, with its defaults: for one that wraps others. */
export type MakePolicy = (name: string) => Policy;

/** Ties option specs to a factory that sees their typed values. */
export function definePolicy<const Specs extends OptionSpecs>(definition: {
  readonly about: string;
  readonly options: Specs;
  readonly picks?: string;
  readonly create: (values: OptionValues<Specs>, context: PolicyContext, make: MakePolicy) => Policy;
}): PolicyDefinition {
  return {
    about: definition.about,
    options: definition.options,
    picks: definition.picks ?? null,
    check: (raw, purpose) => [
      ...readOptions(definition.options, raw).problems,
      ...(purpose === 'study' ? [] : studyProblems(definition.options, raw)),
    ],
    create: (raw, context, make) => definition.create(readOptions(definition.options, raw).values, context, make),
  };
}
