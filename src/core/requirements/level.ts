// How far a requirement is met: the level reached, and how much of what it allows is used up.

/** A requirement of one client, or of all together, over its window. */
export interface RequirementLevel {
  /** `latency`, `mean-latency`, `reliability`, `availability`, `throughput`, `accuracy`, or attributes in a word. */
  readonly requirement: string;
  /** A share in [0, 1]; ms for a mean latency, answers per second for a throughput. Null where there is no evidence. */
  readonly level: number | null;
  /** What is asked for, in the unit of the level. */
  readonly goal: number;
  /** The share of what it allows that is used up: above 1 the requirement is missed. */
  readonly strain: number;
}

/** Returns the level of a share of at least `goal`; a `level` of NaN is nothing to judge it by. */
export function shareLevel(requirement: string, level: number, goal: number): RequirementLevel {
  if (Number.isNaN(level)) return { requirement, level: null, goal, strain: 0 };
  if (level >= goal) return { requirement, level, goal, strain: goal === 1 ? 0 : (1 - level) / (1 - goal) };
  // A goal of 1 allows nothing: any miss is more.
  return { requirement, level, goal, strain: goal === 1 ? STRAIN_MAX : Math.min(STRAIN_MAX, (1 - level) / (1 - goal)) };
}

/** Returns the level of a mean of at most `goal`; a `level` of NaN is nothing to judge it by. */
export function meanLevel(requirement: string, level: number, goal: number): RequirementLevel {
  const known = !Number.isNaN(level);
  return { requirement, level: known ? level : null, goal, strain: known ? Math.min(STRAIN_MAX, level / goal) : 0 };
}

/** What one client asks for and gets, per second. */
export interface Rates {
  readonly asked: number;
  readonly answered: number;
}

/** Returns the level of at least `goal` answers per second, where as many are asked for. */
export function rateLevel(requirement: string, { asked, answered }: Rates, goal: number): RequirementLevel {
  const isAsked = asked >= goal;
  return { requirement, level: answered, goal, strain: isAsked ? Math.min(STRAIN_MAX, goal / answered) : 0 };
}

/** Whether a requirement with this level is missed. */
export const isMissed = ({ strain }: RequirementLevel): boolean => strain > 1;

/** Returns the requirement that is missed by most; null when all hold. */
export function worstOf(levels: readonly RequirementLevel[]): RequirementLevel | null {
  let worst: RequirementLevel | null = null;
  for (const level of levels) {
    if (isMissed(level) && (worst === null || level.strain > worst.strain)) worst = level;
  }
  return worst;
}

/** The largest strain that is reported. */
const STRAIN_MAX = 1000;
