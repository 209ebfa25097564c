// Which nodes help, in which order: this node, its neighbours by distance, the cloud.

import type { Candidate } from '../../domain.ts';

/** Nodes that are a group of their own; those beyond are one group together. */
const NEIGHBOURS_MAX = 8;

/** Kind and name: `own:local`, `node:edge-2`, `rest:others`, `tier:cloud`. */
export type GroupName = `${'own' | 'node' | 'rest' | 'tier'}:${string}`;

/** The candidates by group, the group that is asked first first. */
export function groupsOf(candidates: readonly Candidate[]): ReadonlyMap<GroupName, readonly Candidate[]> {
  const own: Candidate[] = [];
  const cloud: Candidate[] = [];
  const nodes = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const { nodeId, tier } = candidate.instance;
    if (candidate.local) own.push(candidate);
    else if (tier === 'cloud') cloud.push(candidate);
    else nodes.set(nodeId, [...(nodes.get(nodeId) ?? []), candidate]);
  }
  const byDistance = [...nodes].sort(([a, [one]], [b, [other]]) => {
    const nearerMs = (one?.rttMs ?? 0) - (other?.rttMs ?? 0);
    return nearerMs === 0 ? (a < b ? -1 : 1) : nearerMs;
  });
  const near = byDistance.slice(0, NEIGHBOURS_MAX).map(([id, members]): Entry => [`node:${id}`, members]);
  const far = byDistance.slice(NEIGHBOURS_MAX).flatMap(([, members]) => members);
  const groups: Entry[] = [['own:local', own], ...near, ['rest:others', far], ['tier:cloud', cloud]];
  return new Map(groups.filter(([, members]) => members.length > 0));
}

type Entry = readonly [GroupName, readonly Candidate[]];
