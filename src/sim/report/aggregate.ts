// Runs of one policy under several seeds → one row: the mean, and the worst that any seed gave.

import type { RunResult } from '../experiment.ts';
import type { DisturbanceMetrics, RunMetrics } from '../results/metrics.ts';
import { MEAN_LATENCY, type RequirementMetrics } from '../results/requirements.ts';

export interface Figure {
  readonly mean: number;
  readonly worst: number;
}

export interface PolicySummaryRow {
  readonly policy: string;
  readonly runs: number;
  readonly satisfied: Figure;
  readonly strictlySatisfied: Figure;
  readonly success: Figure;
  readonly steadySuccess: Figure;
  readonly worstClient: Figure;
  readonly jain: Figure;
  /** Seconds; +Infinity where a run never converged. */
  readonly convergenceS: Figure;
  readonly latencyP50Ms: Figure;
  readonly latencyP99Ms: Figure;
  readonly shed: Figure;
  /** mWh an answer; null where no instance has such a profile. */
  readonly energyMwh: Figure | null;
  readonly accuracy: Figure | null;
  readonly attempts: Figure;
  /** Requests lost against the oracle, as a share of all; null without an oracle. */
  readonly regretRatio: Figure | null;
  readonly requirements: readonly RequirementRow[];
  readonly disturbances: readonly DisturbanceRow[];
}

/** One requirement, or all of them together. */
export interface RequirementRow {
  readonly name: string;
  /** Null for all of them together. */
  readonly value: Figure | null;
  readonly windows: Figure;
  readonly worstClient: Figure;
}

export interface DisturbanceRow {
  readonly label: string;
  readonly atS: number;
  readonly success: Figure;
  readonly lowest: Figure;
  readonly dip: Figure;
  readonly recoveryS: Figure;
  readonly satisfiedAfter: Figure;
  readonly worstClientAfter: Figure;
}

/** One row a policy, in the order of first appearance. */
export function aggregate(results: readonly RunResult[]): PolicySummaryRow[] {
  const policies = [...new Set(results.map(({ policy }) => policy))];
  return policies.map((policy) =>
    rowOf(
      policy,
      results.filter((result) => result.policy === policy),
    ),
  );
}

/** Whether the least or the greatest of the values is the worst one. */
type WorstIs = 'least' | 'greatest';

export function figureOf(values: readonly number[], worstIs: WorstIs): Figure {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, worst: worstIs === 'least' ? Math.min(...values) : Math.max(...values) };
}

function rowOf(policy: string, results: readonly RunResult[]): PolicySummaryRow {
  const metrics = results.map((result) => result.metrics);
  const figure = (value: (one: RunMetrics) => number, worstIs: WorstIs): Figure =>
    figureOf(metrics.map(value), worstIs);
  return {
    policy,
    runs: results.length,
    satisfied: figure((m) => m.satisfiedRatio, 'least'),
    strictlySatisfied: figure((m) => m.strictlySatisfiedRatio, 'least'),
    success: figure((m) => m.successRatio, 'least'),
    steadySuccess: figure((m) => m.steadySuccessRatio, 'least'),
    worstClient: figure((m) => m.worstClientRatio, 'least'),
    jain: figure((m) => m.jainIndex, 'least'),
    convergenceS: figure((m) => m.convergenceS ?? Number.POSITIVE_INFINITY, 'greatest'),
    latencyP50Ms: figure((m) => m.latencyP50Ms, 'greatest'),
    latencyP99Ms: figure((m) => m.latencyP99Ms, 'greatest'),
    shed: figure((m) => m.shedRatio, 'greatest'),
    energyMwh: metrics.some((m) => m.energyMwh === null) ? null : figure((m) => m.energyMwh ?? 0, 'greatest'),
    accuracy: metrics.some((m) => m.accuracy === null) ? null : figure((m) => m.accuracy ?? 0, 'least'),
    attempts: figure((m) => m.attemptsRatio, 'greatest'),
    regretRatio: metrics.some((m) => m.regretRequests === null)
      ? null
      : figure((m) => (m.regretRequests ?? 0) / Math.max(1, m.requests), 'greatest'),
    requirements: requirementRows(metrics.map((m) => m.requirements)),
    disturbances: disturbanceRows(metrics.map((m) => m.disturbances)),
  };
}

/** The n-th requirement of every run together. */
function requirementRows(runs: readonly (readonly RequirementMetrics[])[]): RequirementRow[] {
  return (runs[0] ?? []).map(({ name, value: first }, n) => {
    const all = runs.flatMap((run) => run[n] ?? []);
    // The greatest mean latency is the worst.
    const worstIs = name === MEAN_LATENCY ? 'greatest' : 'least';
    return {
      name,
      value:
        first === null
          ? null
          : figureOf(
              all.map(({ value }) => value ?? Number.NaN),
              worstIs,
            ),
      windows: figureOf(
        all.map(({ windowsRatio }) => windowsRatio),
        'least',
      ),
      worstClient: figureOf(
        all.map(({ worstClientRatio }) => worstClientRatio),
        'least',
      ),
    };
  });
}

/** The n-th event of every run together; which instance a random event hit differs by seed, so the label names none. */
function disturbanceRows(runs: readonly (readonly DisturbanceMetrics[])[]): DisturbanceRow[] {
  return (runs[0] ?? []).map(({ label, atS }, n) => {
    const all = runs.flatMap((run) => run[n] ?? []);
    const figure = (value: (one: DisturbanceMetrics) => number, worstIs: WorstIs): Figure =>
      figureOf(all.map(value), worstIs);
    return {
      label,
      atS,
      success: figure((d) => d.successRatio, 'least'),
      lowest: figure((d) => d.lowestRatio, 'least'),
      dip: figure((d) => d.dipRatio, 'greatest'),
      recoveryS: figure((d) => d.recoveryS ?? Number.POSITIVE_INFINITY, 'greatest'),
      satisfiedAfter: figure((d) => d.satisfiedAfterRatio, 'least'),
      worstClientAfter: figure((d) => d.worstClientAfterRatio, 'least'),
    };
  });
}
