// An edge that is asked for more than it can do, alone and with neighbours: the comparison of the cooperative load balancing's paper,
// at a steady share of the edge's capacity, by simulation. `node test/bench/spill-over.ts`

import '../support/bench-help.ts';
import { resolve } from 'node:path';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import { runOne } from '../../src/sim/experiment.ts';
import type { Recorder } from '../../src/sim/results/recorder.ts';
import type { ClientGroup, Scenario } from '../../src/sim/scenario.ts';
import { createWorld } from '../../src/sim/world/world.ts';

const SHIPPED = resolve(import.meta.dirname, '../../config/scenarios/spill-over.toml');
/** Requests a second that an edge of the scenario carries. */
const CAPACITY = 50;
/** Of each client. */
const RATE = 5;

export interface SpillFigures {
  /** Of all requests of the crowded edge, those given up included with what they waited, ms. */
  readonly meanMs: number;
  readonly successRatio: number;
  /** Of the requests of the crowded edge, by where they went: here, the other edge, the cloud. */
  readonly shares: readonly number[];
}

/** The shipped world with a steady load on its first edge; only that edge's requests count. */
export function crowded(factor: number, durationMs: number): Scenario {
  const shipped = loadScenario(SHIPPED);
  const [first] = shipped.clients as [ClientGroup];
  const { network } = shipped;
  const each = Math.round((factor * CAPACITY) / RATE);
  return { ...shipped, network, durationMs, steadyFromMs: durationMs / 3, clients: [{ ...first, each }] };
}

export function spillFigures(scenario: Scenario, policy: string, seed = 1): SpillFigures {
  const recorder = runOne({ scenario, world: createWorld(scenario, seed), policy, seed });
  const { success, late, failed, refused, timeout } = recorder.endings;
  const answered = success + late;
  const all = answered + failed + refused + timeout;
  return {
    meanMs: (recorder.latencySumMs + timeout * scenario.network.timeoutMs) / (answered + timeout),
    successRatio: success / all,
    shares: sharesOf(recorder),
  };
}

function sharesOf({ routed, shape, attempts }: Recorder): number[] {
  return Array.from({ length: shape.instances }, (_, i) => (routed[i] ?? 0) / attempts);
}

if (import.meta.main) {
  const { policies, seeds } = loadScenario(SHIPPED);
  console.log('| load | policy | mean | success | here | other edge | cloud |\n|---:|---|---:|---:|---:|---:|---:|');
  for (const factor of [0.5, 1, 2, 3]) {
    for (const policy of policies) {
      const runs = seeds.map((seed) => spillFigures(crowded(factor, 120_000), policy, seed));
      const mean = (of: (run: SpillFigures) => number): number =>
        runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
      const percent = (of: (run: SpillFigures) => number): string => `${(100 * mean(of)).toFixed(1)} %`;
      const places = [0, 1, 2].map((i) => percent(({ shares }) => shares[i] ?? 0)).join(' | ');
      console.log(
        `| ${factor} | \`${policy}\` | ${mean(({ meanMs }) => meanMs).toFixed(0)} ms | ${percent(({ successRatio }) => successRatio)} | ${places} |`,
      );
    }
  }
}
