// Results for programs: one CSV row a run, and everything as JSON.

import type { RunResult } from '../experiment.ts';
import type { RunMetrics } from '../results/metrics.ts';
import type { Scenario } from '../scenario.ts';
import type { Provenance } from './facts.ts';

const COLUMNS = [
  'requests',
  'successRatio',
  'steadySuccessRatio',
  'satisfiedRatio',
  'strictlySatisfiedRatio',
  'worstClientRatio',
  'jainIndex',
  'convergenceS',
  'shedRatio',
  'attemptsRatio',
  'latencyMeanMs',
  'latencyP50Ms',
  'latencyP90Ms',
  'latencyP99Ms',
  'regretRequests',
  'answersPerSecond',
  'energyMwh',
  'accuracy',
] as const satisfies readonly (keyof RunMetrics)[];

const ENDINGS = [
  'success',
  'late',
  'failed',
  'refused',
  'timeout',
  'noInstance',
  'shed',
] as const satisfies readonly (keyof RunMetrics['endings'])[];

/** RFC 4180 with a header; empty where a figure does not exist. */
export function toCsv(scenario: Scenario, results: readonly RunResult[]): string {
  const required = (results[0]?.metrics.requirements ?? []).map(({ name }) => name);
  const requirementHeader = required.flatMap((name) => [quoted(name), quoted(`${name} held`)]);
  const header = ['scenario', 'load', 'policy', 'seed', ...COLUMNS, ...ENDINGS, ...requirementHeader];
  const lines = results.map(({ policy, seed, metrics }) => [
    quoted(scenario.name),
    scenario.load,
    quoted(policy),
    seed,
    ...COLUMNS.map((column) => textOf(metrics[column])),
    ...ENDINGS.map((ending) => metrics.endings[ending]),
    ...metrics.requirements.flatMap(({ value, windowsRatio }) => [textOf(value), textOf(windowsRatio)]),
  ]);
  return `${[header, ...lines].map((line) => line.join(',')).join('\r\n')}\r\n`;
}

/** All figures of all runs, as JSON. */
export function toJson(scenario: Scenario, results: readonly RunResult[], provenance: Provenance): string {
  // JSON has no infinity and no NaN; null stands for "for ever", "never" and "there was none".
  return `${JSON.stringify({ provenance, scenario, results }, (_, value) => (value === Number.POSITIVE_INFINITY ? null : value), 1)}\n`;
}

function textOf(figure: number | null): string {
  return figure === null || Number.isNaN(figure) ? '' : String(figure);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
