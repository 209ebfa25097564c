// Which instances a service prefers: instances in groups, the most preferred first. What fits no group is the last one.

import type { Candidate, Labels, Preference } from '../../domain.ts';

/** Index of the first group that the candidate fits; their number when it fits none. */
export function groupOf({ local, instance }: Candidate, preferences: readonly Preference[]): number {
  const index = preferences.findIndex((preference) => {
    if (preference === 'local') return local;
    return typeof preference === 'string' ? instance.tier === preference : hasLabels(instance.labels, preference);
  });
  return index < 0 ? preferences.length : index;
}

/** Returns the name of a group for people: `local`, `cloud`, `site=hall-3`. */
export function nameOfGroup(preference: Preference | undefined): string {
  if (preference === undefined) return 'others';
  if (typeof preference === 'string') return preference;
  return Object.entries(preference)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
