import { describe, expect, it } from 'vitest';
import { cheapestPlacement } from '../../../src/plan/placement/cheapest.ts';
import { coverageOf, isBetter, scoreOf } from '../../../src/plan/placement/coverage.ts';
import { greedyKCenter } from '../../../src/plan/placement/k-center.ts';
import { outline } from '../../../src/plan/placement/outline.ts';
import { planPlacement } from '../../../src/plan/placement/plan.ts';
import { candidates, improve } from '../../../src/plan/placement/search.ts';
import { parseSites } from '../../../src/plan/placement/sites-file.ts';
import { taskOf } from '../../../src/plan/placement/task.ts';
import { type TrialOptions, tryLosses } from '../../../src/plan/placement/trial.ts';
import { openScenario } from '../../../src/scenario/scenario-file.ts';
import { DEFAULTS, drawnPlane, line, subsets } from './support.ts';

const TRIAL: TrialOptions = { policy: 'qedge', seeds: [1], durationMs: 8_000 };

describe('greedy k-center', () => {
  it('begins in the middle, and goes on with the farthest', () => {
    expect(greedyKCenter(line([1, 1, 1, 1, 1], 10), 3)).toEqual([2, 0, 4]);
  });

  it('leaves out nodes that cannot carry an instance', () => {
    const task = parseSites('a.csv', 'node,work,a,b,c\na,,0,9,9\nb,none,9,0,9\nc,7,9,9,0', DEFAULTS);
    expect(greedyKCenter(task, 3)).toEqual([0, 2]);
    expect(task.models.map((model) => model?.workMeanMs ?? null)).toEqual([5, null, 7]);
  });
});

describe('a placement', () => {
  it('covers nodes within the limit, and says what one loss would leave', () => {
    // 8 ms on an idle instance, 40 allowed: three gaps of 10 ms are in reach.
    const coverage = coverageOf(line([1, 1, 1, 1, 1, 1, 1, 1], 10), [0, 4]);
    expect(coverage.nodes.map(({ inReach }) => inReach)).toEqual([1, 2, 2, 2, 1, 1, 1, 1]);
    expect(coverage.uncovered).toEqual([]);
    expect(coverage.uncoveredByLoss).toEqual([0, 4, 5, 6, 7]);
    expect(coverage.radiusMs).toBe(30.5);
  });

  it('overflows by what no division among the instances in reach can carry', () => {
    // Two instances of 200/s, planned to be busy for 85 % at the most and without the half that a loss takes: 85/s each.
    const overflow = (rates: readonly number[]): number => scoreOf(line(rates, 20), [0, 2]).overflow;
    expect(overflow([80, 0, 80])).toBeCloseTo(0, 6);
    // The middle reaches both: its requests go where there is room, and make room for those that reach one alone.
    expect(overflow([80, 90, 0])).toBeCloseTo(0, 6);
    expect(overflow([100, 0, 0])).toBeCloseTo(15, 1);
    expect(overflow([85, 90, 85])).toBeCloseTo(90, 1);
  });

  it('is compared by what fits only where what is in reach does not decide', () => {
    const task = line([1, 1, 1, 1, 1, 1, 1, 1], 10);
    const near = scoreOf(task, [2, 5]);
    const unread = (): number => {
      throw new Error('overflow was read');
    };
    const far = {
      ...scoreOf(task, [0, 1]),
      get overflow() {
        return unread();
      },
    };
    expect(far.exposed).toBeGreaterThan(near.exposed);
    expect(isBetter(near, far)).toBe(true);
  });

  it('is never made worse by moving its instances', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const task = drawnPlane(seed, { count: 9 });
      const greedy = greedyKCenter(task, 3);
      expect(isBetter(scoreOf(task, greedy), scoreOf(task, improve(task, greedy)))).toBe(false);
      const [best] = candidates(task, 3);
      expect(isBetter(scoreOf(task, improve(task, greedy)), scoreOf(task, best ?? []))).toBe(false);
    }
  });

  it('is not changed where simulation says that the move is worse', () => {
    const task = drawnPlane(2, { count: 6 });
    const question = { count: 2, trial: TRIAL };
    const greedy = planPlacement(task, { ...question, improve: false });
    const moved = planPlacement(task, { ...question, improve: true });
    expect(moved?.trial.satisfied.mean).toBeGreaterThanOrEqual(greedy?.trial.satisfied.mean ?? Number.NaN);
  });

  it('of a drawn topology has the rates of its clients', () => {
    const source = openScenario(new URL('../../../config/scenarios/paper-ps.toml', import.meta.url).pathname);
    const { nodes, rates } = taskOf(source, { seed: 3, load: 1.2 });
    expect(nodes).toHaveLength(30);
    expect([...rates].every((rate) => Math.abs(rate - 40) < 0.01)).toBe(true);
  });
});

describe('the cheapest placement', () => {
  // Of worlds of up to 14 nodes: test/bench/cheapest.ts.
  it('has as few instances as the best of all subsets', () => {
    for (const seed of [3, 4]) {
      const task = drawnPlane(seed, { count: 5, widthMs: 30 });
      const found = cheapestPlacement(task, TRIAL)?.length ?? Number.POSITIVE_INFINITY;
      const best = [2, 3, 4, 5].find((count) =>
        subsets([0, 1, 2, 3, 4], count).some((placement) =>
          tryLosses(task, placement, TRIAL).every(({ satisfied }) => satisfied.worst === 1),
        ),
      );
      expect(found).toBe(best ?? Number.POSITIVE_INFINITY);
    }
  });

  it('is found where most of what looks good without a simulation fails in one', () => {
    // Two of the 203 with an instance in reach after each loss withstand them, and 65 have a better score.
    const task = drawnPlane(3, { count: 10, widthMs: 40, load: 1.2 });
    const trial = { ...TRIAL, seeds: [1, 2], durationMs: 10_000 };
    const found = cheapestPlacement(task, trial) ?? [];
    expect(found).toHaveLength(4);
    expect(tryLosses(task, found, trial).every(({ satisfied }) => satisfied.worst === 1)).toBe(true);
  });

  it('is none where even an instance on every node is too little', () => {
    expect(cheapestPlacement(line([500, 500], 1), TRIAL)).toBeNull();
  });
});

describe('a map by round trips', () => {
  it('has the distances of nodes that lie on a plane', () => {
    const points = [
      [0, 0],
      [30, 0],
      [0, 40],
      [25, 25],
    ] as const;
    const distance = (a: readonly number[], b: readonly number[]): number =>
      Math.hypot((a[0] ?? 0) - (b[0] ?? 0), (a[1] ?? 0) - (b[1] ?? 0));
    const found = outline(Float64Array.from(points.flatMap((a) => points.map((b) => distance(a, b)))), 4);
    for (const [i, a] of points.entries()) {
      for (const [j, b] of points.entries()) {
        const [p, q] = [found[i], found[j]];
        expect(Math.hypot((p?.x ?? 0) - (q?.x ?? 0), (p?.y ?? 0) - (q?.y ?? 0))).toBeCloseTo(distance(a, b), 3);
      }
    }
  });
});
