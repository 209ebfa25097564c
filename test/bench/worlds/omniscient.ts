// What could be had while capacity is short: `node test/bench/worlds/omniscient.ts [--set test] [--worlds 2] [--seed 75000]` prints for worlds in
// which capacity falls the share of it that is answered in time, by the default policy and by one mind that no load balancer can have. It
// knows every request that is under way anywhere at the moment it is sent, and every speed the moment it changes; it sends a request to
// where the queue takes the least share of what the deadline leaves, and refuses it where that is more than a share, the best of several for each
// world. It does not know how much work a request is. It is no theorem: a plan over several requests might do better.

import '../../support/bench-help.ts';
import { parseArgs } from 'node:util';
import type { AttemptResult, Candidate } from '../../../src/core/domain.ts';
import { runOne } from '../../../src/sim/experiment.ts';
import { OracleRouter } from '../../../src/sim/oracle/oracle-router.ts';
import { computeMetrics } from '../../../src/sim/results/metrics.ts';
import type { Recorder } from '../../../src/sim/results/recorder.ts';
import type { Scenario } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { createWorld, type World } from '../../../src/sim/world/world.ts';
import { percent } from '../routing/figures.ts';
import { generateWorld, seedOf } from './kinds.ts';

const SHARES = [0.7, 0.8, 0.9, 1, 1.1];
/** What is left of the capacity that the load asks for. */
const FALLEN = 0.6;

const { values } = parseArgs({
  options: {
    set: { type: 'string', default: 'test' },
    worlds: { type: 'string', default: '2' },
    seed: { type: 'string' },
  },
});

/** Of all instances: how much slower each is than it was, and what is under way there, of all load balancers. */
class Known {
  readonly factors: Float64Array;
  readonly underWay: Float64Array;
  readonly #world: World;
  readonly #latencyMs: number;

  constructor(world: World, latencyMs: number) {
    this.#world = world;
    this.#latencyMs = latencyMs;
    this.factors = new Float64Array(world.instances.length).fill(1);
    this.underWay = new Float64Array(world.instances.length);
  }

  /** The queue with one more, over what the deadline leaves; +Infinity where it leaves nothing. */
  shareAt(balancer: number, instance: number): number {
    const { topology, balancers, instances } = this.#world;
    const { node, model } = instances[instance] as World['instances'][number];
    const wayMs = topology.rttMs[(balancers[balancer] as number) * topology.nodes.length + node] as number;
    const leftMs = this.#latencyMs - wayMs - model.overheadFixedMs - model.overheadMeanMs;
    const queueMs = ((this.underWay[instance] as number) + 1) * model.workMeanMs * (this.factors[instance] as number);
    return leftMs > 0 ? queueMs / leftMs : Number.POSITIVE_INFINITY;
  }
}

class OmniscientRouter extends OracleRouter {
  readonly #balancer: number;
  readonly #known: Known;
  readonly #shareMax: number;
  /** Where each attempt went, by ticket. */
  readonly #handles: number[] = [];

  constructor(world: World, balancer: number, { known, shareMax }: { known: Known; shareMax: number }) {
    super({ shares: () => new Float64Array(world.instances.length + 1) }, world, balancer);
    this.#balancer = balancer;
    this.#known = known;
    this.#shareMax = shareMax;
  }

  override route({ tried }: { readonly tried: readonly number[] }): Candidate | null {
    let best: Candidate | null = null;
    let least = this.#shareMax;
    for (const candidate of this.candidates) {
      const share = this.#known.shareAt(this.#balancer, candidate.handle);
      if (share > least || tried.includes(candidate.handle)) continue;
      best = candidate;
      least = share;
    }
    this.lastTier = best === null ? 'shed' : 'policy';
    return best;
  }

  override start(candidate?: Candidate): number {
    const handle = candidate?.handle ?? 0;
    (this.#known.underWay[handle] as number)++;
    return this.#handles.push(handle) - 1;
  }

  override finish(ticket = 0): AttemptResult {
    (this.#known.underWay[this.#handles[ticket] as number] as number)--;
    return 'answered';
  }
}

function runOmniscient(scenario: Scenario, seed: number, shareMax: number): Recorder {
  const world = createWorld(scenario, seed);
  const known = new Known(world, scenario.qos.latencyMs);
  return runSimulation({
    scenario,
    world,
    seed,
    createRouter: ({ balancer }) => new OmniscientRouter(world, balancer, { known, shareMax }),
    onChange: (change) => {
      if (change.kind === 'slow') (known.factors[change.instance] as number) *= change.factor;
    },
  });
}

for (let n = 0; n < Number(values.worlds); n++) {
  const seed = values.seed === undefined ? seedOf(values.set as 'train' | 'test', n) : Number(values.seed) + n;
  const { scenario } = generateWorld('capacity-falls', seed);
  const inTime = (recorder: Recorder): number => {
    const [fall] = computeMetrics(recorder, scenario, null).disturbances;
    return (fall?.successRatio ?? Number.NaN) / FALLEN;
  };
  const own = inTime(runOne({ scenario, world: createWorld(scenario, seed), policy: 'qedge', seed }));
  const best = Math.max(...SHARES.map((share) => inTime(runOmniscient(scenario, seed, share))));
  console.log(`${scenario.name}: qedge ${percent(own)} %, omniscient ${percent(best)} %`);
}
