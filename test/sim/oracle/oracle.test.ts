import { describe, expect, it } from 'vitest';
import { NO_REQUIREMENTS } from '../../../src/core/requirements/requirements.ts';
import { runOne } from '../../../src/sim/experiment.ts';
import { OracleRouter } from '../../../src/sim/oracle/oracle-router.ts';
import { computeMetrics } from '../../../src/sim/results/metrics.ts';
import type { Recorder } from '../../../src/sim/results/recorder.ts';
import type { Scenario } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { createWorld } from '../../../src/sim/world/world.ts';
import { ACCURACY_SHARE } from '../../core/support.ts';
import { MODEL, smallScenario, twoNodes } from '../support.ts';

const successOf = (recorder: Recorder, scenario: Scenario): number =>
  computeMetrics(recorder, scenario, null).steadySuccessRatio;

/** Of the requests by accurate instances, and of those in time. */
function shareAndSuccess(recorder: Recorder, scenario: Scenario): [number, number] {
  const { requirements, steadySuccessRatio } = computeMetrics(recorder, scenario, null);
  return [requirements.find(({ name }) => name === 'accuracy share')?.value ?? Number.NaN, steadySuccessRatio];
}

function runOracle(scenario: Scenario): Recorder {
  return runOne({ scenario, world: createWorld(scenario, 1), policy: 'oracle', seed: 1 });
}

/** The whole run by one split that never changes, the same for each load balancer: requests per second to each instance. */
function runFixed(scenario: Scenario, shares: readonly number[]): Recorder {
  const world = createWorld(scenario, 1);
  const row = Float64Array.of(...shares, 0);
  const createRouter = ({ balancer }: { balancer: number }) => new OracleRouter({ shares: () => row }, world, balancer);
  return runSimulation({ scenario, world, seed: 1, createRouter });
}

/** One load balancer near a slow instance and far from a quick one; Poisson clients. */
function unlikePair(ratePerSecond: number): Scenario {
  const base = smallScenario({ durationMs: 60_000, steadyFromMs: 5_000 });
  return {
    ...base,
    topology: twoNodes(),
    overrides: [{ instance: 'i1', model: { ...MODEL, workMeanMs: 15 } }],
    clients: base.clients.map((group) => ({
      ...group,
      each: 10,
      ratePerSecond: ratePerSecond / 10,
      pattern: 'poisson',
    })),
  };
}

describe('the oracle', () => {
  it.each([60, 120, 170, 200])('is as good as the best of all fixed splits at %i requests a second', (rate) => {
    const scenario = unlikePair(rate);
    const fixed = Array.from({ length: 21 }, (_, n) => successOf(runFixed(scenario, [n, 20 - n]), scenario));
    // The luckiest of 21 runs, each of some 10,000 requests in queues near their capacity.
    expect(successOf(runOracle(scenario), scenario)).toBeGreaterThan(Math.max(...fixed) - 0.015);
  });

  it('gives nearly as large a share as the best fixed split that keeps the latency goal, and more where requests come evenly', () => {
    const pair = { ...unlikePair(120), durationMs: 30_000 };
    const accurate = { ...MODEL, workMeanMs: 15, profile: { accuracy: 0.96 } };
    const shares = (['poisson', 'periodic'] as const).map((pattern) => {
      const scenario: Scenario = {
        ...pair,
        overrides: [{ instance: 'i1', model: accurate }],
        requirements: { ...NO_REQUIREMENTS, shares: [ACCURACY_SHARE] },
        clients: pair.clients.map((group) => ({ ...group, pattern })),
      };
      const [share, success] = shareAndSuccess(runOracle(scenario), scenario);
      expect(success).toBeGreaterThanOrEqual(scenario.qos.successRatio);
      const kept = [0.4, 0.46, 0.52]
        .map((part) => shareAndSuccess(runFixed(scenario, [part, 1 - part]), scenario))
        .filter(([, fixed]) => fixed >= scenario.qos.successRatio);
      expect(share).toBeGreaterThan(Math.max(...kept.map(([fixed]) => fixed)) - 0.08);
      return share;
    });
    expect(shares[1]).toBeGreaterThan(shares[0] as number);
  });

  it('sends to the few that are quick, though many are nearer', () => {
    const nodes = ['here', ...Array.from({ length: 40 }, (_, n) => `n${n}`)];
    const base = smallScenario();
    const quick = ['i31', 'i35', 'i39'];
    const scenario: Scenario = {
      ...base,
      topology: {
        kind: 'matrix',
        nodes,
        rttMs: nodes.map((_, x) => nodes.map((_, y) => (x === y ? 0.5 : 5 + Math.max(x, y) / 2))),
        instances: nodes.slice(1),
        balancers: ['here'],
      },
      model: { ...MODEL, workMeanMs: 200 },
      overrides: quick.map((instance) => ({ instance, model: { ...MODEL, workMeanMs: 15 } })),
      clients: base.clients.map((group) => ({ ...group, each: 4 })),
    };
    expect(successOf(runOracle(scenario), scenario)).toBeGreaterThan(0.98);
  });

  it('refuses in overload what nothing could answer in time, and answers about what capacity allows', () => {
    const scenario = unlikePair(600);
    const recorder = runOracle(scenario);
    const { endings } = recorder;
    expect(computeMetrics(recorder, scenario, null).shedRatio).toBeGreaterThan(0.5);
    // Both carry 200 + 67 requests a second, within about 50 and 80 ms seven tenths of that.
    expect(endings.success / 60).toBeGreaterThan(0.7 * 267);
    expect(endings.shed / 60).toBeGreaterThan(300);
    expect(endings.noInstance).toBe(0);
  });

  it('refuses nothing while everything stands still for a moment', () => {
    const event = { kind: 'hiccups', atMs: 0, forMs: 20_000, gapMs: 500, pauseMs: 300 } as const;
    expect(runOracle(smallScenario({ events: [event] })).endings.shed).toBe(0);
  });
});
