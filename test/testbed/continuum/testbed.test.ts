// What of the testbed needs no root: how a scenario is made as large as asked, and how requests become a table.

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../../src/scenario/scenario-file.ts';
import { createWorld } from '../../../src/sim/world/world.ts';
import { ENDINGS, type SentRequest } from './clients.ts';
import { cellsOf, compare, emptyRecorder, HEAD, judge, merged } from './results.ts';
import { phasesOf, resized, unbuildable } from './world.ts';

const scenario = loadScenario(join(import.meta.dirname, 'world.toml'));
const SEED = 101;

describe('the world of the testbed', () => {
  it('has the instances of the paper at thirty nodes, and faults in proportion', () => {
    const large = resized(scenario, { nodes: 30, durationMs: 360_000 });
    expect(large.topology).toMatchObject({ nodes: 30, instances: 10 });
    expect(large.clients[1]).toMatchObject({ on: 15, fromMs: 80_000, untilMs: 120_000 });
    const times = (all: typeof scenario): number[] => all.events.map(({ atMs }) => atMs);
    expect(times(large)).toEqual(times(scenario).map((ms) => 2 * ms));
    expect(createWorld(large, SEED).clients).toHaveLength(180);
  });

  it('is made of phases that follow each other to the end', () => {
    const phases = phasesOf(scenario);
    expect(phases.map(({ toS }) => toS)).toEqual([...phases.slice(1).map(({ fromS }) => fromS), 180]);
    expect(phases.map(({ label }) => label)).toContain('broker kill');
  });

  it('is refused where the testbed would build another one', () => {
    expect(unbuildable(scenario, 30)).toBeNull();
    expect(unbuildable(scenario, 7)).toBe('8 nodes: at most 7');
    const thinking = scenario.clients.map((group) => ({ ...group, thinkMs: 100 }));
    expect(unbuildable({ ...scenario, clients: thinking }, 30)).toBe('clients that wait for their answers');
  });
});

describe('the table of the testbed', () => {
  const world = createWorld(scenario, SEED);
  const ending = (word: (typeof ENDINGS)[number]): number => ENDINGS.indexOf(word);
  const requests: readonly SentRequest[] = [
    [0, 1_000, 30, ending('answered'), 'x/i1'],
    [0, 1_100, 90, ending('answered'), 'x/i1'],
    [0, 1_200, 1, ending('refused'), ''],
    [0, 2_000, 30, ending('answered'), 'x/i1'],
    [0, 3_000, 30, ending('answered'), 'x/i2'],
  ];
  const stalls = {
    everywhere: [],
    ofBalancer: world.balancers.map(() => []),
    ofInstance: new Map([['x/i1', merged([{ fromMs: 2_070, toMs: 2_090 }])]]),
  };
  const judgement = judge({ world, durationMs: scenario.durationMs, latencyMs: 80, requests, stalls });

  it('counts apart what the machine held up, however soon it was answered', () => {
    const [row] = compare(judgement, [], { phases: phasesOf(scenario), successRatio: 0.9 });
    expect(row).toMatchObject({ requests: 5, misses: [1, 0, 1, 0], stalledRatio: 0.2 });
    expect(row?.success.testbed).toBe(0.5);
  });

  it('has a cell for each title, and a dash where nothing is left to compare', () => {
    const simulated = [emptyRecorder(world, scenario.durationMs)];
    const rows = compare(judgement, simulated, { phases: phasesOf(scenario), successRatio: 0.9 }).map(cellsOf);
    expect(rows.every((cells) => cells.length === HEAD.length)).toBe(true);
    expect(rows[1]?.slice(0, 6)).toEqual(['clients arrive', '40', '0', '–', '100.0 %', '–']);
  });

  it('takes spans that overlap for one', () => {
    const spans = [
      { fromMs: 5, toMs: 9 },
      { fromMs: 1, toMs: 6 },
      { fromMs: 20, toMs: 21 },
    ];
    expect(merged(spans)).toEqual([
      { fromMs: 1, toMs: 9 },
      { fromMs: 20, toMs: 21 },
    ]);
  });
});
