// What no policy can pass: users in a closed loop over boards of known speed, energy and accuracy. A linear programme over the rates of
// each group at each board, which leaves out all queueing and knows each frame's group and each board's speed beforehand:
//
//   max Σ x_gm   Σ_g S_m x_gm ≤ 1               no board works more than all the time
//                Σ_m (Z + d + S_m) x_gm ≤ N p_g  no frame is answered sooner than it is worked on, d for the round trip
//                Σ (E_gm − e) x_gm ≤ 0           the mean energy is at most e
//                Σ (a − A_gm) x_gm ≤ 0           the mean accuracy is at least a
//
// N users, a share p_g of the time in group g, think for Z; by Little's law the mean response is N / Σ x − Z, so that the most answers
// are the least response (asymptotic bounds of closed networks: Lazowska et al., Quantitative System Performance, 1984, chapter 5).

import { maximise } from '../../../src/sim/oracle/simplex.ts';

/** A board: seconds for a frame, and by group what it costs and gives. */
export interface Board {
  readonly workS: number;
  readonly energyMwh: (group: number) => number;
  readonly accuracy: (group: number) => number;
}

export interface ClosedLoop {
  readonly users: number;
  readonly thinkS: number;
  /** From the user to a board and back. */
  readonly rttS: number;
  /** Share of the time that users spend in each group; they add up to 1. */
  readonly groups: readonly number[];
  readonly boards: readonly Board[];
}

/** Means over all answers. */
export interface Means {
  readonly responseMs: number;
  readonly energyMwh: number;
  readonly accuracy: number;
}

/** The least response at no more energy and no less accuracy, ms; Infinity where no policy has those. */
function leastResponseMs(
  { users, thinkS, rttS, groups, boards }: ClosedLoop,
  { energyMwh, accuracy }: Pick<Means, 'energyMwh' | 'accuracy'>,
): number {
  const cells = groups.flatMap((_, group) => boards.map((board) => ({ group, board })));
  const rows = [
    ...boards.map((board) => cells.map((cell) => (cell.board === board ? board.workS : 0))),
    ...groups.map((_, group) => cells.map((cell) => (cell.group === group ? thinkS + rttS + cell.board.workS : 0))),
    cells.map(({ group, board }) => board.energyMwh(group) - energyMwh),
    cells.map(({ group, board }) => accuracy - board.accuracy(group)),
  ];
  const limits = [...boards.map(() => 1), ...groups.map((share) => users * share), 0, 0];
  const rates = maximise({ gains: cells.map(() => 1), rows, limits });
  const perSecond = rates.reduce((sum, rate) => sum + rate, 0);
  return perSecond > 1e-9 ? 1000 * (users / perSecond - thinkS) : Number.POSITIVE_INFINITY;
}

/** What the best policy with full knowledge could come to at most in each figure, the other two no worse than `means`. */
export function bestBeside(loop: ClosedLoop, means: Means): Means {
  const within = (changed: Partial<Means>): boolean =>
    leastResponseMs(loop, { ...means, ...changed }) <= means.responseMs;
  return {
    responseMs: leastResponseMs(loop, means),
    energyMwh: lastThat((energyMwh) => within({ energyMwh }), means.energyMwh, 0),
    accuracy: lastThat((accuracy) => within({ accuracy }), means.accuracy, 100),
  };
}

/** From `from`, where it holds, towards `to`, where it does not: the last value where it holds. */
function lastThat(holds: (value: number) => boolean, from: number, to: number): number {
  let [good, bad] = [from, to];
  for (let halving = 0; halving < 40; halving++) {
    const middle = (good + bad) / 2;
    if (holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
