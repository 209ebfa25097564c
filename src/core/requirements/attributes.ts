// Whether an instance has what a requirement asks for, by what is known of it beforehand.

import { assertNever } from '../assert.ts';
import { GROUPS_MAX, type Instance, type Labels } from '../domain.ts';
import { ofGroup, type Profile } from '../profile.ts';
import type { Attributes } from './requirements.ts';

type Attribute = 'tls' | 'tiers' | 'hops' | 'labels' | 'accuracy';

const ATTRIBUTES: readonly Attribute[] = ['tls', 'tiers', 'hops', 'labels', 'accuracy'];

/** Label of an instance that stands behind more than one network. */
const HOPS_LABEL = 'hops';

/** What an instance has. */
export interface Facts {
  readonly instance: Pick<Instance, 'scheme' | 'tier' | 'labels'>;
  /** It is on this node. */
  readonly local: boolean;
  readonly profile: Profile;
}

/** Whether it has all that is asked for, for a request of this group. */
export function fits(facts: Facts, wanted: Attributes, group: number): boolean {
  return ATTRIBUTES.every((attribute) => has(attribute, { facts, wanted, group }));
}

/** Whether it has all that is asked for, for requests of some group. */
export function fitsSome(facts: Facts, wanted: Attributes): boolean {
  for (let group = 0; group < GROUPS_MAX; group++) if (fits(facts, wanted, group)) return true;
  return false;
}

/** The attributes that it lacks, for people: `tls`, `tpm=2.0`. */
export function lacks(facts: Facts, wanted: Attributes, group: number): readonly string[] {
  return ATTRIBUTES.flatMap((attribute) => {
    if (has(attribute, { facts, wanted, group })) return [];
    return attribute === 'labels' ? missingLabels(facts, wanted) : [attribute];
  });
}

function missingLabels({ instance }: Facts, { labels }: Attributes): readonly string[] {
  const missing = Object.entries(labels).filter(([name, value]) => instance.labels[name] !== value);
  return missing.map(([name, value]) => `${name}=${value}`);
}

/** What is asked for, for people: `tls, tier far-edge or near-edge, tpm=2.0`. */
export function attributesText({ tls, tiers, hopsMax, labels, accuracyMin }: Attributes): string {
  return [
    ...(tls ? ['tls'] : []),
    ...(tiers === null ? [] : [`tier ${tiers.join(' or ')}`]),
    ...(hopsMax === null ? [] : [`at most ${hopsMax} hops`]),
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    ...(accuracyMin === null ? [] : [`accuracy of ${accuracyMin} or more`]),
  ].join(', ');
}

interface Question {
  readonly facts: Facts;
  readonly wanted: Attributes;
  readonly group: number;
}

function has(attribute: Attribute, { facts, wanted, group }: Question): boolean {
  const { instance, local, profile } = facts;
  switch (attribute) {
    case 'tls':
      return !wanted.tls || instance.scheme === 'https';
    case 'tiers':
      return wanted.tiers === null || (instance.tier != null && wanted.tiers.includes(instance.tier));
    case 'hops':
      return wanted.hopsMax === null || hopsTo(instance.labels, local) <= wanted.hopsMax;
    case 'labels':
      return Object.entries(wanted.labels).every(([name, value]) => instance.labels[name] === value);
    case 'accuracy':
      return wanted.accuracyMin === null || ofGroup(profile.accuracy, group) >= wanted.accuracyMin;
    default:
      return assertNever(attribute);
  }
}

/** What cannot be read as a number is no promise. */
function hopsTo(labels: Labels, local: boolean): number {
  if (local) return 0;
  const written = labels[HOPS_LABEL];
  if (written === undefined) return 1;
  return /^\d{1,3}$/.test(written) ? Number(written) : Number.POSITIVE_INFINITY;
}
