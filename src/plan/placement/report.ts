// A plan for people: the nodes chosen, the way of each node to its nearest two instances, and what the simulation says of it.

import { type Cell, type Column, renderFolded } from '../../terminal/columns.ts';
import type { Paint, Tone } from '../../terminal/paint.ts';
import { wrapWords } from '../../terminal/wrap.ts';
import type { NodeCoverage } from './coverage.ts';
import type { PlacementPlan } from './plan.ts';
import { capacityAt, type PlacementTask, rttOf } from './task.ts';
import type { TrialOptions, TrialResult } from './trial.ts';

export interface Look {
  readonly width: number;
  readonly paint: Paint;
}

/** All lines for a terminal. */
export function planLines(
  task: PlacementTask,
  plan: PlacementPlan,
  { width, paint, ...trial }: Look & TrialOptions,
): string[] {
  const table = (columns: readonly Column[]): readonly string[] =>
    renderFolded(columns, { width, indent: '  ', paint });
  return [
    ...headline(task, plan).flatMap((text) => wrapWords(text.split(' '), { width, first: '', hanging: '  ' })),
    '',
    ...table(nodeColumns(task, plan)),
    '',
    ...wrapWords(trialFacts(task, trial).split(' '), { width, first: '', hanging: '  ' }),
    '',
    ...table(trialColumns(task, plan)),
  ];
}

/** What was chosen, in a sentence, and what is wrong with it, in others. */
export function headline(task: PlacementTask, { placement, coverage }: PlacementPlan): string[] {
  const { qos } = task;
  const names = (nodes: readonly number[]): string => nodes.map((node) => task.nodes[node]).join(', ');
  const radius = Number.isFinite(coverage.radiusMs)
    ? `${coverage.radiusMs.toFixed(1)} ms away at the most`
    : 'not to be reached from everywhere';
  const lines = [
    `${count(placement.length, 'instance')} on ${names(placement)}: ${radius}, ${qos.latencyMs} ms allowed.`,
  ];
  if (coverage.uncovered.length > 0) {
    lines.push(`Not accepted: no instance answers in time for ${names(coverage.uncovered)}.`);
  } else if (coverage.uncoveredByLoss.length > 0) {
    lines.push(`One loss away from having no instance in reach: ${names(coverage.uncoveredByLoss)}.`);
  }
  const capacities = placement.map((node) => capacityAt(task, node));
  const carried = capacities.reduce((sum, capacity) => sum + capacity, 0);
  const left = carried - Math.max(0, ...capacities);
  const asked = task.rates.reduce((sum, rate) => sum + rate, 0) * task.load;
  const figures = (most: number): string =>
    `${most.toFixed(0)} requests/s at the most, and ${asked.toFixed(0)} are asked for at ${task.load} × the load`;
  if (asked > carried) lines.push(`Too few: together they carry ${figures(carried)}.`);
  else if (asked > left) lines.push(`One loss away from too few: the others carry ${figures(left)}.`);
  return lines;
}

/** How the simulation was run. */
export function trialFacts({ load }: PlacementTask, { policy, durationMs, seeds }: TrialOptions): string {
  return `Simulated with ${policy}, ${durationMs / 1_000} s at ${load} × the load, ${count(seeds.length, 'seed')} (the worst in brackets):`;
}

/** Clients satisfied and requests in time of one trial, in words. */
export function trialTexts({ satisfied, success }: TrialResult): {
  readonly satisfied: string;
  readonly success: string;
} {
  const text = ({ mean, worst }: { readonly mean: number; readonly worst: number }): string =>
    percent(mean) === percent(worst) ? percent(mean) : `${percent(mean)} (${percent(worst)})`;
  return { satisfied: text(satisfied), success: text(success) };
}

/** The way to an instance, or a dash. */
export function way(task: PlacementTask, node: number, instance: number | null): string {
  if (instance === null) return '-';
  const rtt = rttOf(task, node, instance);
  return `${task.nodes[instance]} ${Number.isFinite(rtt) ? `${rtt.toFixed(1)} ms` : 'no way'}`;
}

function nodeColumns(task: PlacementTask, { placement, coverage }: PlacementPlan): Column[] {
  const column = (header: string, importance: number, cells: readonly Cell[]): Column => ({
    header,
    align: header === 'node' || header === 'nearest' || header === 'second' ? 'left' : 'right',
    importance,
    cells,
  });
  const of = (cell: (node: NodeCoverage) => Cell): Cell[] => coverage.nodes.map(cell);
  return [
    column(
      'node',
      9,
      of(({ node }) => plain(`${placement.includes(node) ? '*' : ' '} ${task.nodes[node]}`)),
    ),
    column(
      'requests/s',
      5,
      of(({ node }) => plain((task.rates[node] as number).toFixed(1))),
    ),
    column(
      'nearest',
      8,
      of(({ node, nearest }) => plain(way(task, node, nearest))),
    ),
    column(
      'second',
      7,
      of(({ node, second }) => plain(way(task, node, second))),
    ),
    column(
      'in reach',
      6,
      of(({ inReach }) => ({ text: String(inReach), tone: reachTone(inReach) })),
    ),
  ];
}

function trialColumns(task: PlacementTask, { placement, trial, losses }: PlacementPlan): Column[] {
  const rows = [
    { what: 'all there', result: trial },
    ...losses.map((result, i) => ({ what: `without ${task.nodes[placement[i] as number]}`, result })),
  ];
  return [
    { header: 'instances', align: 'left', importance: 9, cells: rows.map(({ what }) => plain(what)) },
    {
      header: 'clients satisfied',
      align: 'right',
      importance: 8,
      cells: rows.map(({ result }) => ({
        text: trialTexts(result).satisfied,
        tone: result.satisfied.worst === 1 ? 'good' : 'bad',
      })),
    },
    {
      header: 'in time',
      align: 'right',
      importance: 7,
      cells: rows.map(({ result }) => plain(trialTexts(result).success)),
    },
  ];
}

const plain = (text: string): Cell => ({ text, tone: 'plain' });
const reachTone = (inReach: number): Tone => (inReach === 0 ? 'bad' : inReach === 1 ? 'notice' : 'plain');
const percent = (ratio: number): string => `${(100 * ratio).toFixed(ratio === 1 ? 0 : 1)} %`;
const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
