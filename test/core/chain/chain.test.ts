import { describe, expect, it } from 'vitest';
import { Chain, type RunStage } from '../../../src/core/chain/chain.ts';

const STAGES = ['detector', 'tracker', 'planner'];

function chainOf(work: readonly number[] = [1, 1, 1]): Chain {
  const goal = { latencyMs: 150, successRatio: 0.9, windowMs: 10_000 };
  return new Chain({ name: 'perception', stages: STAGES, goal, work });
}

function stageOf(chain: Chain, service: string, nowMs: number, run = '1', clientId = 'c'): RunStage {
  const stage = chain.begin({ clientId, run, service }, nowMs);
  if (typeof stage === 'string') throw new Error(`refused: ${stage}`);
  return stage;
}

/** A whole run whose stages take so long, one right after another. */
function runThrough(chain: Chain, tookMs: readonly number[], startMs: number, run: string): void {
  let nowMs = startMs;
  for (const [i, ms] of tookMs.entries()) {
    const stage = stageOf(chain, STAGES[i] ?? '', nowMs, run);
    nowMs += ms;
    stage.end('answered', ms, nowMs);
  }
}

/** As many as it takes until all stages are learned. */
function learn(chain: Chain, tookMs: readonly number[]): void {
  for (let i = 0; i < 40; i++) runThrough(chain, tookMs, i * 200, `learned ${i}`);
}

describe('a chain', () => {
  it('splits its goal by work until twenty answers of each stage are known', () => {
    const chain = chainOf([3, 2, 1]);
    expect(stageOf(chain, 'detector', 0).budgetMs).toBeCloseTo(75);
    expect(chain.state(0).stages.map(({ reserveMs }) => Math.round(reserveMs))).toEqual([75, 50, 25]);
  });

  it('gives a stage what is left less what the later ones need', () => {
    const chain = chainOf();
    learn(chain, [10, 20, 40]);
    const [, tracker, planner] = chain.state(9000).stages;
    const stage = stageOf(chain, 'detector', 9000);
    expect(stage.budgetMs).toBeCloseTo(150 - (tracker?.reserveMs ?? 0) - (planner?.reserveMs ?? 0));
    expect(stage.budgetMs).toBeGreaterThan(80);
    stage.end('answered', 60, 9060);
    expect(stageOf(chain, 'tracker', 9060).budgetMs).toBeCloseTo(90 - (planner?.reserveMs ?? 0));
  });

  it('lets the stages of a late run share what is left by their needs', () => {
    const chain = chainOf();
    learn(chain, [10, 20, 40]);
    stageOf(chain, 'detector', 9000).end('answered', 120, 9120);
    const late = stageOf(chain, 'tracker', 9120);
    expect(late.budgetMs).toBeGreaterThan(8);
    expect(late.budgetMs).toBeLessThan(12);
    late.end('answered', 40, 9160);
    expect(stageOf(chain, 'planner', 9160).budgetMs).toBe(0);
  });

  it('moves the parts of the goal towards a stage that slows down', () => {
    const chain = chainOf();
    learn(chain, [20, 20, 20]);
    const before = chain.state(9000).stages[1]?.shareMs ?? 0;
    for (let i = 0; i < 60; i++) runThrough(chain, [20, 60, 20], 9000 + i * 200, `slow ${i}`);
    const after = chain.state(22_000).stages[1]?.shareMs ?? 0;
    expect(before).toBeCloseTo(50, 0);
    expect(Math.abs(after - 90)).toBeLessThan(5);
  });

  it('counts a run as a success when its last stage is answered within the limit, and as late beyond it', () => {
    const chain = chainOf();
    runThrough(chain, [50, 50, 49], 0, 'in time');
    runThrough(chain, [50, 60, 50], 1000, 'late');
    const { results, successRatio, clients } = chain.state(1200);
    expect(results).toEqual({ success: 1, late: 1, failed: 0, abandoned: 0 });
    expect(successRatio).toBe(0.5);
    expect(clients).toEqual([{ clientId: 'c', requests: 2, successRatio: 0.5 }]);
  });

  it('counts a run whose client stops after a failure as failed, and forgives one that repeats the stage in time', () => {
    const chain = chainOf();
    stageOf(chain, 'detector', 0, 'given up').end('failed', 5, 5);
    stageOf(chain, 'detector', 0, 'repeated').end('failed', 5, 5);
    stageOf(chain, 'detector', 10, 'repeated').end('answered', 20, 30);
    stageOf(chain, 'tracker', 30, 'repeated').end('answered', 20, 50);
    stageOf(chain, 'planner', 50, 'repeated').end('answered', 20, 70);
    expect(chain.state(200).results).toEqual({ success: 1, late: 0, failed: 1, abandoned: 0 });
  });

  it('holds nothing against a client that stops of itself', () => {
    const chain = chainOf();
    stageOf(chain, 'detector', 0).end('answered', 20, 20);
    const { results, successRatio, runs } = chain.state(61_000);
    expect({ results, successRatio, runs }).toEqual({
      results: { success: 0, late: 0, failed: 0, abandoned: 1 },
      successRatio: null,
      runs: 0,
    });
  });

  it('refuses a stage that it does not have, one that was answered, one beside another, and one of an unknown run', () => {
    const chain = chainOf();
    const begin = (service: string, run = '1') => chain.begin({ clientId: 'c', run, service }, 0);
    expect(begin('lidar')).toBe('unknown-stage');
    expect(begin('tracker')).toBe('unknown-run');
    const stage = stageOf(chain, 'detector', 0);
    expect(begin('detector')).toBe('concurrent');
    stage.end('answered', 5, 5);
    expect(begin('detector')).toBe('loop');
    expect(chain.state(10).results).toEqual({ success: 0, late: 0, failed: 0, abandoned: 0 });
  });

  it('keeps runs of different clients apart, also under one name', () => {
    const chain = chainOf();
    stageOf(chain, 'detector', 0, '1', 'one').end('answered', 5, 5);
    expect(chain.begin({ clientId: 'other', run: '1', service: 'tracker' }, 5)).toBe('unknown-run');
  });

  it('keeps 4,096 runs at the most', () => {
    const chain = chainOf();
    for (let i = 0; i < 5000; i++) stageOf(chain, 'detector', i / 100, `run ${i}`).end('answered', 1, i / 100);
    expect(chain.state(60).runs).toBe(4096);
    expect(chain.begin({ clientId: 'c', run: 'run 0', service: 'tracker' }, 60)).toBe('unknown-run');
    expect(typeof chain.begin({ clientId: 'c', run: 'run 4999', service: 'tracker' }, 60)).toBe('object');
  });

  it('looks through no failed run that is in the account already', () => {
    let reads = 0;
    const goal = {
      get latencyMs(): number {
        reads++;
        return 150;
      },
      successRatio: 0.9,
      windowMs: 10_000,
    };
    const chain = new Chain({ name: 'perception', stages: STAGES, goal, work: [1, 1, 1] });
    const readsOfOne = (run: string): number => {
      reads = 0;
      stageOf(chain, 'detector', 9000, run).end('left', 1, 9001);
      return reads;
    };
    learn(chain, [10, 20, 40]);
    const before = readsOfOne('first');
    for (let i = 0; i < 100; i++) {
      stageOf(chain, 'detector', 9000, `late ${i}`).end('answered', 200, 9200);
      stageOf(chain, 'tracker', 9200, `late ${i}`).end('failed', 1, 9201);
    }
    expect(chain.state(9300).results.late).toBe(100);
    expect(readsOfOne('last')).toBe(before);
  });

  it.each(['failed', 'left'] as const)('learns nothing from a stage of a late run that %s at once', (ending) => {
    const chain = chainOf();
    learn(chain, [20, 20, 20]);
    const before = chain.state(9000).stages[1];
    for (let i = 0; i < 30; i++) {
      stageOf(chain, 'detector', 9000, `late ${i}`).end('answered', 200, 9200);
      stageOf(chain, 'tracker', 9200, `late ${i}`).end(ending, 0.05, 9200);
    }
    expect(chain.state(9300).stages[1]).toMatchObject({ reserveMs: before?.reserveMs, samples: before?.samples });
  });

  it('takes back what it learned, and nothing of a chain with another goal or other stages', () => {
    const chain = chainOf();
    learn(chain, [10, 20, 40]);
    const kept = JSON.parse(JSON.stringify(chain.snapshot(8000)));
    const same = chainOf();
    same.restore(kept, 500, 500);
    expect(same.state(500).stages.map(({ samples }) => samples)).toEqual([40, 40, 40]);
    for (const [i, { reserveMs }] of same.state(500).stages.entries()) {
      expect(reserveMs).toBeCloseTo(chain.state(8000).stages[i]?.reserveMs ?? 0, 1);
    }
    expect(same.state(500).clients[0]?.clientId).toBe('c');
    const goal = { latencyMs: 200, successRatio: 0.9, windowMs: 10_000 };
    const other = new Chain({ name: 'perception', stages: STAGES, goal, work: [1, 1, 1] });
    other.restore(kept, 500, 500);
    expect(other.state(500).stages.every(({ samples }) => samples === 0)).toBe(true);
  });

  it.each([null, 7, 'x', [], { goal: 1 }, { learned: [{ samples: -1, bins: [] }] }])(
    'ignores a snapshot that is none: %j',
    (bad) => {
      const chain = chainOf();
      chain.restore(bad, 0, 0);
      expect(chain.state(0).stages.every(({ samples }) => samples === 0)).toBe(true);
    },
  );
});
