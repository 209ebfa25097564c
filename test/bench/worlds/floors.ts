// What the default policy has to reach in worlds that nothing was tuned on, and where it falls short.

import { percent } from '../routing/figures.ts';
import {
  bestSimple,
  type Compared,
  chance,
  fallenGoodputRatio,
  figureIn,
  goodputRatio,
  mean,
  ORACLE,
  recoveryS,
  resultIn,
  satisfied,
  steady,
} from './comparison.ts';
import type { KindName } from './kinds.ts';

export interface WorldFloor {
  readonly what: string;
  readonly floor: string;
  readonly reached: string;
  readonly holds: boolean;
  /** The world that fares worst. */
  readonly worst: string;
}

/** An oracle that is back at once leaves no ratio to compare by: its recovery counts as this long at least. */
const RECOVERY_S_MIN = 4;

interface Scored {
  readonly name: string;
  readonly value: number;
}

/** Only the floors of kinds that were run. */
export function worldFloorsOf(worlds: readonly Compared[], subject: string): WorldFloor[] {
  const of = (...kinds: KindName[]): Compared[] => worlds.filter(({ kind }) => kinds.includes(kind));
  const scored = (kinds: readonly Compared[], value: (world: Compared) => number): Scored[] =>
    // Without those in which one of the policies that it compares was not run.
    kinds.map((world) => ({ name: world.world.name, value: value(world) })).filter((one) => !Number.isNaN(one.value));
  const own = (world: Compared, value: typeof steady): number => figureIn(world, subject, value);
  const behindOracle = (value: typeof steady) => (world: Compared) =>
    own(world, value) - figureIn(world, ORACLE, value);
  const steadyOf = (world: Compared): number => own(world, steady);
  const shed = (world: Compared): number => figureIn(world, subject, (metrics) => metrics.shedRatio);
  const feasible = [...of('tight-1.0', 'tight-1.1', 'little-information', 'few-good', 'two-bad')];
  const floors = [
    ...(['tight-1.0', 'tight-1.1'] as const).flatMap((kind) => [
      meanOfModels(`${kind}: satisfied, against the best fixed split`, -0.03, of(kind), behindOracle(satisfied)),
      meanOfModels(`${kind}: success, against the best fixed split`, -0.015, of(kind), behindOracle(steady)),
    ]),
    each(
      'any world: success, against the best of the simple policies',
      -0.01,
      scored(worlds, (world) => aheadOfSimple(world, subject)),
    ),
    each(
      'overload: goodput ÷ capacity',
      0.85,
      scored(of('overload'), (world) => goodputRatio(world, subject)),
    ),
    each(
      'capacity falls: goodput ÷ capacity',
      0.85,
      scored(of('capacity-falls'), (world) => fallenGoodputRatio(world, subject)),
    ),
    each(
      'both: goodput ÷ that of the best fixed split',
      0.85,
      scored(of('overload', 'capacity-falls'), (world) => goodputOf(world, subject) / goodputOf(world, ORACLE)),
    ),
    atMost(
      'capacity falls: recovery ÷ the oracle’s',
      2,
      scored(of('capacity-falls'), (world) => recoveryRatio(world, subject)),
    ),
    atMost('feasible worlds: shed', 0.001, scored(feasible, shed)),
    each('little information: success', 0.88, scored(of('little-information'), steadyOf)),
    each(
      'little information: satisfied',
      0.42,
      scored(of('little-information'), (world) => own(world, satisfied)),
    ),
    each('few good: success from the 30th second', 0.9, scored(of('few-good'), steadyOf)),
    each('recovered: success from the 5th second', 0.97, scored(of('recovered'), steadyOf)),
    each('recovered: success, against the best fixed split', -0.015, scored(of('recovered'), behindOracle(steady))),
    atMost(
      'two bad of four: attempts there',
      0.03,
      scored(of('two-bad'), (world) => resultIn(world, subject, ({ badRatio }) => badRatio)),
    ),
  ];
  return floors.flatMap((floor) => floor ?? []);
}

/** How far the subject is ahead of the best simple policy, what chance may have done put in its favour. */
function aheadOfSimple(world: Compared, subject: string): number {
  const { success } = bestSimple(world);
  return figureIn(world, subject, steady) - success + chance(world, success);
}

function goodputOf(world: Compared, policy: string): number {
  return world.kind === 'overload' ? goodputRatio(world, policy) : fallenGoodputRatio(world, policy);
}

function recoveryRatio(world: Compared, subject: string): number {
  return recoveryS(world, subject) / Math.max(RECOVERY_S_MIN, recoveryS(world, ORACLE));
}

/** The mean over the worlds of each instance model, the worse of them. */
function meanOfModels(
  what: string,
  least: number,
  worlds: readonly Compared[],
  value: (world: Compared) => number,
): WorldFloor | null {
  if (worlds.length === 0 || worlds.some((world) => Number.isNaN(value(world)))) return null;
  const models = [...new Set(worlds.map(({ world }) => world.traits[0] ?? ''))];
  const means = models.map((model) => mean(worlds.filter(({ world }) => world.traits[0] === model).map(value)));
  const reached = Math.min(...means);
  const worst = extreme(
    worlds.map((world) => ({ name: world.world.name, value: value(world) })),
    1,
  );
  return {
    what,
    floor: `≥ ${points(least)}`,
    reached: points(reached),
    holds: reached >= least,
    worst: `${worst.name}: ${points(worst.value)}`,
  };
}

function each(what: string, least: number, scores: readonly Scored[]): WorldFloor | null {
  if (scores.length === 0) return null;
  const worst = extreme(scores, 1);
  const text = least < 0 ? points : (value: number) => `${percent(value)} %`;
  return {
    what,
    floor: `≥ ${text(least)}`,
    reached: text(worst.value),
    holds: worst.value >= least,
    worst: worst.name,
  };
}

function atMost(what: string, most: number, scores: readonly Scored[]): WorldFloor | null {
  if (scores.length === 0) return null;
  const worst = extreme(scores, -1);
  const text = most > 1 ? (value: number) => value.toFixed(1) : (value: number) => `${percent(value, 2)} %`;
  return { what, floor: `≤ ${text(most)}`, reached: text(worst.value), holds: worst.value <= most, worst: worst.name };
}

/** The least value for sign 1, the greatest for −1; a NaN, if there is one. */
function extreme(scores: readonly Scored[], sign: 1 | -1): Scored {
  return scores.reduce((worst, one) =>
    sign * one.value < sign * worst.value || Number.isNaN(one.value) ? one : worst,
  );
}

const points = (ratio: number): string => `${ratio > 0 ? '+' : ''}${(100 * ratio).toFixed(1)} points`;
