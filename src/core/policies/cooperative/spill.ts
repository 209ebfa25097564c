// How requests are split among groups in order: each takes what it can, what exceeds that goes to the next, and the last takes what is
// left. Smooth weighted round robin, so that of ten requests the three that spill are not the last three.

/** What a group may take, and its turn. */
export interface SpillGroup {
  /** Requests a minute that it takes; +Infinity: all. */
  limitRpm: number;
  /** Share of the requests, in [0, 1]. */
  share: number;
  credit: number;
}

/** Gives each of the groups, in their order, its share of `rpm`. */
export function split(groups: readonly SpillGroup[], rpm: number): void {
  let leftRpm = rpm;
  for (const [i, group] of groups.entries()) {
    const takesRpm = i === groups.length - 1 ? leftRpm : Math.min(leftRpm, group.limitRpm);
    group.share = rpm > 0 ? takesRpm / rpm : Number(i === 0);
    leftRpm -= takesRpm;
  }
}

/** The group whose turn it is; the first where none has a share. */
export function nextOf<Group extends SpillGroup>(groups: readonly Group[]): Group | null {
  let richest: Group | null = groups[0] ?? null;
  let most = Number.NEGATIVE_INFINITY;
  for (const group of groups) {
    if (group.share <= 0 || group.credit + group.share <= most) continue;
    most = group.credit + group.share;
    richest = group;
  }
  return richest;
}

/** Takes the turn of the group that `nextOf` named. */
export function take(groups: readonly SpillGroup[], chosen: SpillGroup): void {
  let total = 0;
  for (const group of groups) {
    group.credit += group.share;
    total += group.share;
  }
  chosen.credit -= total;
}
