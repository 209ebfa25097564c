// What the default policy has to reach, and whether it did.

import type { Figure } from '../../../src/sim/report/aggregate.ts';
import { percent, type Results, seconds, type Where } from './figures.ts';
import { EVENTS, LOADS, MODELS } from './matrix.ts';

export interface Floor {
  readonly what: string;
  readonly floor: string;
  readonly reached: string;
  readonly holds: boolean;
}

interface Check {
  readonly what: string;
  readonly floor: string;
  readonly least: number;
  /** The worst of these counts. */
  readonly figures: readonly (Figure | null)[];
}

const FAULTS = EVENTS.filter((scenario) => scenario !== 'surge' && scenario !== 'removal');

const STEADY_FLOORS: Readonly<Record<number, number>> = { 1: 0.99, 1.1: 0.985, 1.2: 0.975 };

export function floorsOf(results: Results): Floor[] {
  const own = (where: Where): Where => ({ policy: 'qedge', ...where });
  const paper = (load: number): Where[] => MODELS.map((model) => own({ scenario: 'paper-ps', load, model }));
  const events = (scenarios: readonly string[]): Where[] =>
    scenarios.flatMap((scenario) => MODELS.map((model) => own({ scenario, model })));
  const checks: Check[] = [
    ...LOADS.map((load) => ({
      what: `clients satisfied at load ${load}, each topology`,
      floor: '100 %',
      least: 1,
      figures: paper(load).map((where) => results.figure(where, (m) => m.satisfiedRatio)),
    })),
    ...LOADS.map((load) => ({
      what: `steady success at load ${load}, mean`,
      floor: `${percent(STEADY_FLOORS[load] ?? 0)} %`,
      least: STEADY_FLOORS[load] ?? 0,
      figures: paper(load).map((where) => meanOnly(results.figure(where, (m) => m.steadySuccessRatio))),
    })),
    {
      what: 'worst client at load 1',
      floor: '95 %',
      least: 0.95,
      figures: paper(1).map((where) => results.figure(where, (m) => m.worstClientRatio)),
    },
    ...[
      { name: 'one of ten removed', scenarios: ['removal'], lowest: 0.96 },
      { name: 'client surge', scenarios: ['surge'], lowest: 0.985 },
      { name: 'hang, crash, slow, link, errors, flapping', scenarios: FAULTS, lowest: 0.945 },
    ].flatMap(({ name, scenarios, lowest }) => [
      {
        what: `${name}: lowest 10 s success`,
        floor: `${percent(lowest)} %`,
        least: lowest,
        figures: events(scenarios).map((where) => results.eventFigure(where, (event) => event.lowestRatio)),
      },
      {
        what: `${name}: clients satisfied after it`,
        floor: '100 %',
        least: 1,
        figures: events(scenarios).map((where) => results.eventFigure(where, (event) => event.satisfiedAfterRatio)),
      },
    ]),
    {
      what: 'hang, crash, slow, link, errors, flapping: worst client of the run',
      floor: '95 %',
      least: 0.95,
      figures: events(FAULTS).map((where) => results.figure(where, (m) => m.worstClientRatio)),
    },
    {
      what: 'D1.3 dynamic scenario, mean',
      floor: '99.4 %',
      least: 0.994,
      figures: [meanOnly(results.figure(own({ scenario: 'd13-dynamic' }), (m) => m.successRatio))],
    },
  ];
  return [...checks.map(judge), convergenceFloor(results)];
}

function judge({ what, floor, least, figures }: Check): Floor {
  const worst = Math.min(...figures.map((figure) => figure?.worst ?? Number.NaN));
  return { what, floor: `≥ ${floor}`, reached: `${percent(worst, 2)} %`, holds: worst >= least };
}

function convergenceFloor(results: Results): Floor {
  const worst = Math.max(
    ...MODELS.map(
      (model) =>
        results.figure(
          { policy: 'qedge', scenario: 'paper-ps', load: 1, model },
          (m) => m.convergenceS ?? Number.POSITIVE_INFINITY,
          'greatest',
        )?.worst ?? Number.NaN,
    ),
  );
  return { what: 'convergence at load 1, each topology', floor: '≤ 20 s', reached: seconds(worst), holds: worst <= 20 };
}

function meanOnly(figure: Figure | null): Figure | null {
  return figure === null ? null : { mean: figure.mean, worst: figure.mean };
}
