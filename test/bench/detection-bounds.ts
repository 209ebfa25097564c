// By how much any policy at all could be better than the multi-objective paper's: `node test/bench/detection-bounds.ts [--seeds 201-203]`
// prints a row for each number of users, all boards well and one of them at half its speed. A figure is the best that can be had in it, over
// what the paper's policy with γ = 0.5 has, while the other two figures are no worse. First with full knowledge and no queues at all, which
// no policy reaches; then, for the frames that show a crowd, of which two boards see enough, with queues.

import '../support/bench-help.ts';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ofGroup, readProfile } from '../../src/core/profile.ts';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import { seedsText } from '../../src/scenario/scenario-schema.ts';
import { runExperiment } from '../../src/sim/experiment.ts';
import type { Scenario } from '../../src/sim/scenario.ts';
import { bestBeside, type ClosedLoop, type Means } from './detection-bounds/no-queues.ts';
import {
  leastSlowShare,
  mostAnswersPerS,
  outcomeOf,
  type Rule,
  type TwoBoards,
} from './detection-bounds/two-boards.ts';

const PAPER = 'multi-objective:adapt=false';
const RTT_S = 0.002;
/** Four objects and more. */
const CROWD = 4;
const { values } = parseArgs({ options: { seeds: { type: 'string', default: '201-203' } } });
const seeds = seedsText.parse(values.seeds);
const base = loadScenario(join(resolve(import.meta.dirname, '../..'), 'config/scenarios/throttled-accelerator.toml'));

interface Row {
  readonly users: number;
  readonly thinkS: number;
  readonly halved: string | null;
}

/** What the paper's policy comes to in the simulator. */
function paperMeans({ users, halved }: Row): Means {
  const scenario: Scenario = {
    ...base,
    clients: base.clients.map((group) => ({ ...group, each: users })),
    events: halved === null ? [] : [{ kind: 'slow', atMs: 0, instance: halved, forMs: base.durationMs, factor: 2 }],
  };
  const runs = runExperiment({ scenario, policies: [PAPER], seeds, regret: false }).map(({ metrics }) => metrics);
  const mean = (of: readonly (number | null)[]): number => of.reduce<number>((sum, x) => sum + (x ?? 0), 0) / of.length;
  return {
    responseMs: mean(runs.map((one) => one.latencyMeanMs)),
    energyMwh: mean(runs.map((one) => one.energyMwh)),
    accuracy: mean(runs.map((one) => one.accuracy)),
  };
}

function modelOf(instance: string) {
  return base.overrides.find((one) => one.instance === instance)?.model ?? base.model;
}

function workS(instance: string, halved: string | null): number {
  return (modelOf(instance).workMeanMs * (instance === halved ? 2 : 1)) / 1000;
}

function loopOf({ users, thinkS, halved }: Row): ClosedLoop {
  const shares = base.clients[0]?.groups?.shares ?? [1];
  const whole = shares.reduce((sum, share) => sum + share, 0);
  return {
    users,
    thinkS,
    rttS: RTT_S,
    groups: shares.map((share) => share / whole),
    boards: ['i1', 'i2', 'i3', 'i4', 'i5'].map((instance) => {
      const profile = readProfile(modelOf(instance).profile ?? null);
      return {
        workS: workS(instance, halved),
        energyMwh: (group) => ofGroup(profile.energyMwh, group),
        accuracy: (group) => ofGroup(profile.accuracy, group),
      };
    }),
  };
}

/** The rule of the paper for frames that `i5` and `i3` see well enough: it trusts its profile, and draws where both score alike. */
const paperRule: Rule = (atQuick, atSlow) =>
  workS('i5', null) * (atQuick + 1) > workS('i3', null) * (atSlow + 1) ? 0.5 : 0;

/** For frames of a crowd: the least response at no more energy, and the least energy at no more response, over those of the paper's rule. */
function ofCrowds({ users, thinkS, halved }: Row): { readonly response: number; readonly energy: number } {
  const boards: TwoBoards = { users, thinkS: thinkS + RTT_S, workS: [workS('i5', halved), workS('i3', halved)] };
  const { answersPerS, slowShare } = outcomeOf(boards, paperRule);
  const responseS = (perS: number): number => users / perS - thinkS;
  const [quickMwh, slowMwh] = ['i5', 'i3'].map((board) =>
    ofGroup(readProfile(modelOf(board).profile ?? null).energyMwh, CROWD),
  ) as [number, number];
  const energyMwh = (share: number): number => (1 - share) * quickMwh + share * slowMwh;
  return {
    response: responseS(mostAnswersPerS(boards, slowShare)) / responseS(answersPerS),
    energy: energyMwh(leastSlowShare(boards, answersPerS)) / energyMwh(slowShare),
  };
}

const cells = (row: readonly string[]): void => console.log(`| ${row.join(' | ')} |`);
cells(['users, at half speed', 'response', 'energy', 'mAP', 'crowds, with queues: response', 'energy']);
cells(['---', '---:', '---:', '---:', '---:', '---:']);
const thinkS = (base.clients[0]?.thinkMs ?? 0) / 1000;
for (const halved of [null, 'i3', 'i5']) {
  for (const users of [5, 10, 15]) {
    const row = { users, thinkS, halved };
    const means = paperMeans(row);
    const crowds = ofCrowds(row);
    const best = bestBeside(loopOf(row), means);
    cells([
      `${users}, ${halved ?? 'none'}`,
      (best.responseMs / means.responseMs).toFixed(2),
      (best.energyMwh / means.energyMwh).toFixed(2),
      (best.accuracy / means.accuracy).toFixed(2),
      crowds.response.toFixed(3),
      crowds.energy.toFixed(3),
    ]);
  }
}
