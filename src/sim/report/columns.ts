// The columns of the result tables, for the terminal and the HTML report alike.

import { MEAN_LATENCY, THROUGHPUT } from '../results/requirements.ts';
import type { DisturbanceRow, Figure, PolicySummaryRow, RequirementRow } from './aggregate.ts';

export interface Column<Row> {
  readonly title: string;
  readonly about: string;
  readonly text: (row: Row) => string;
  /** What the column is sorted by: the mean, where it is a figure. */
  readonly value: (row: Row) => number | string;
}

/** A loss too small to be seen is 0, not -0. */
export const percent = (ratio: number): string =>
  `${(100 * ratio).toFixed(ratio === 1 ? 0 : 1).replace(/^-(0\.0)$/, '$1')} %`;
const NONE: Figure = { mean: Number.NaN, worst: Number.NaN };
const seconds = (s: number): string => (s === Number.POSITIVE_INFINITY ? 'never' : `${s.toFixed(0)} s`);
const ms = (value: number): string => (Number.isNaN(value) ? '–' : `${value.toFixed(1)} ms`);

/** The mean, and the worst seed in brackets where it differs. */
function figure(format: (value: number) => string, { mean, worst }: Figure): string {
  const [meanText, worstText] = [format(mean), format(worst)];
  return meanText === worstText ? meanText : `${meanText} (${worstText})`;
}

const RESULT_COLUMNS: readonly Column<PolicySummaryRow>[] = [
  {
    title: 'policy',
    about: 'how instances are chosen; in its row the mean over the seeds, the worst seed in brackets',
    text: ({ policy }) => policy,
    value: ({ policy }) => policy,
  },
  {
    title: 'satisfied',
    about: 'clients of whose requests at least ρ succeeded',
    text: ({ satisfied }) => figure(percent, satisfied),
    value: ({ satisfied }) => satisfied.mean,
  },
  {
    title: 'strictly',
    about: 'satisfied, and in at least 90 % of their windows W, too',
    text: ({ strictlySatisfied }) => figure(percent, strictlySatisfied),
    value: ({ strictlySatisfied }) => strictlySatisfied.mean,
  },
  {
    title: 'success',
    about: 'requests answered within the limit',
    text: ({ success }) => figure(percent, success),
    value: ({ success }) => success.mean,
  },
  {
    title: 'steady',
    about: 'the same, once learning is over',
    text: ({ steadySuccess }) => figure(percent, steadySuccess),
    value: ({ steadySuccess }) => steadySuccess.mean,
  },
  {
    title: 'worst client',
    about: 'success share of the client served worst',
    text: ({ worstClient }) => figure(percent, worstClient),
    value: ({ worstClient }) => worstClient.mean,
  },
  {
    title: 'shed',
    about: 'requests refused by the load balancers',
    text: ({ shed }) => figure(percent, shed),
    value: ({ shed }) => shed.mean,
  },
  {
    title: 'Jain',
    about: "Jain's index over the instances' requests",
    text: ({ jain }) => jain.mean.toFixed(3),
    value: ({ jain }) => jain.mean,
  },
  {
    title: 'converges',
    about: 'until the rolling success stays within 2 points of its final level',
    text: ({ convergenceS }) => figure(seconds, convergenceS),
    value: ({ convergenceS }) => convergenceS.mean,
  },
  {
    title: 'p50',
    about: 'median of the end-to-end latency',
    text: ({ latencyP50Ms }) => ms(latencyP50Ms.mean),
    value: ({ latencyP50Ms }) => latencyP50Ms.mean,
  },
  {
    title: 'p99',
    about: '99th percentile of the end-to-end latency',
    text: ({ latencyP99Ms }) => ms(latencyP99Ms.mean),
    value: ({ latencyP99Ms }) => latencyP99Ms.mean,
  },
  {
    title: 'regret',
    about: 'requests lost against the oracle, as a share of all',
    text: ({ regretRatio }) => (regretRatio === null ? '–' : figure(percent, regretRatio)),
    value: ({ regretRatio }) => regretRatio?.mean ?? Number.NaN,
  },
];

/** Only where instances have profiles. */
const PROFILE_COLUMNS: readonly Column<PolicySummaryRow>[] = [
  {
    title: 'energy',
    about: 'what an answer cost, by the profile of its instance',
    text: ({ energyMwh }) => (energyMwh === null ? '–' : figure((mwh) => `${mwh.toFixed(3)} mWh`, energyMwh)),
    value: ({ energyMwh }) => energyMwh?.mean ?? Number.NaN,
  },
  {
    title: 'accuracy',
    about: 'mean over the answers, by the profile of the instance',
    text: ({ accuracy }) => (accuracy === null ? '–' : figure((value) => value.toPrecision(3), accuracy)),
    value: ({ accuracy }) => accuracy?.mean ?? Number.NaN,
  },
];

/** Two columns for each requirement, none where nothing is required beside the latency goal. */
function requirementColumns(rows: readonly PolicySummaryRow[]): readonly Column<PolicySummaryRow>[] {
  return (rows[0]?.requirements ?? []).flatMap(({ name, value: first }, n): Column<PolicySummaryRow>[] => {
    const of = ({ requirements }: PolicySummaryRow): RequirementRow => requirements[n] as RequirementRow;
    const text = name === MEAN_LATENCY ? ms : name === THROUGHPUT ? (rate: number) => `${rate.toFixed(1)}/s` : percent;
    const held: Column<PolicySummaryRow> = {
      title: `${name} held`,
      about: `windows W of a client, learning left out, in which ${name === 'all' ? 'all requirements' : name} held, over all clients`,
      text: (row) => figure(percent, of(row).windows),
      value: (row) => of(row).windows.mean,
    };
    if (first === null) {
      return [
        held,
        {
          title: 'worst client held',
          about: 'the same of the client that has the fewest such windows',
          text: (row) => figure(percent, of(row).worstClient),
          value: (row) => of(row).worstClient.mean,
        },
      ];
    }
    return [
      {
        title: name,
        about: `${name} over all clients, learning left out`,
        text: (row) => figure(text, of(row).value ?? NONE),
        value: (row) => of(row).value?.mean ?? Number.NaN,
      },
      held,
    ];
  });
}

/** The columns that have anything to say of these rows. */
export function resultColumns(rows: readonly PolicySummaryRow[]): readonly Column<PolicySummaryRow>[] {
  const profiled = rows.some(({ energyMwh, accuracy }) => energyMwh !== null || accuracy !== null);
  return [...RESULT_COLUMNS, ...(profiled ? PROFILE_COLUMNS : []), ...requirementColumns(rows)];
}

export interface DisturbanceOfPolicy extends DisturbanceRow {
  readonly policy: string;
}

export const DISTURBANCE_COLUMNS: readonly Column<DisturbanceOfPolicy>[] = [
  {
    title: 'event',
    about: 'and when it came',
    text: ({ label, atS }) => `${atS.toFixed(0)} s ${label}`,
    value: ({ atS }) => atS,
  },
  {
    title: 'policy',
    about: 'how instances are chosen; in its row the mean over the seeds, the worst seed in brackets',
    text: ({ policy }) => policy,
    value: ({ policy }) => policy,
  },
  {
    title: 'success',
    about: 'from the event until the next one',
    text: ({ success }) => figure(percent, success),
    value: ({ success }) => success.mean,
  },
  {
    title: 'lowest',
    about: 'lowest success over any 10 s that follow',
    text: ({ lowest }) => figure(percent, lowest),
    value: ({ lowest }) => lowest.mean,
  },
  {
    title: 'dip',
    about: 'below the level before',
    text: ({ dip }) => figure(percent, dip),
    value: ({ dip }) => dip.mean,
  },
  {
    title: 'recovery',
    about: 'until the rolling success stays within 2 points of its new final level',
    text: ({ recoveryS }) => figure(seconds, recoveryS),
    value: ({ recoveryS }) => recoveryS.mean,
  },
  {
    title: 'satisfied after',
    about: 'clients satisfied from the event on',
    text: ({ satisfiedAfter }) => figure(percent, satisfiedAfter),
    value: ({ satisfiedAfter }) => satisfiedAfter.mean,
  },
  {
    title: 'worst client after',
    about: 'from the event on',
    text: ({ worstClientAfter }) => figure(percent, worstClientAfter),
    value: ({ worstClientAfter }) => worstClientAfter.mean,
  },
];

/** Event by event, policy by policy. */
export function disturbancesOfAll(rows: readonly PolicySummaryRow[]): DisturbanceOfPolicy[] {
  const events = rows[0]?.disturbances ?? [];
  return events.flatMap((_, n) =>
    rows.flatMap(({ policy, disturbances }) => {
      const row = disturbances[n];
      return row === undefined ? [] : [{ ...row, policy }];
    }),
  );
}
