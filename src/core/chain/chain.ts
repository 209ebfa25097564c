// A chain: services that a client asks for one after another, with one goal for the whole. Each stage is given what is left of
// the goal less what the later ones need; a run is a success when its last stage is answered within the limit.

import type { ClientState, QosTarget } from '../domain.ts';
import { recordOf } from '../snapshot-shape.ts';
import { CLIENTS_SHOWN_MAX } from '../standing.ts';
import { ClientLedger } from '../stats/client-ledger.ts';
import { ChainRuns, type Run } from './chain-runs.ts';
import { StageBudgets } from './stage-budgets.ts';

const CLIENTS_MAX = 4096;

/** What a chain is made from. */
export interface ChainOptions {
  readonly name: string;
  /** Names of services, in the order in which they are asked for. */
  readonly stages: readonly string[];
  readonly goal: QosTarget;
  /** Work of each stage, in any unit: how the goal is split before anything is learned. */
  readonly work: readonly number[];
}

/** Why a request is no stage of a run: it is routed as if it had not claimed to be one. */
export type ChainRefusal =
  /** Its service is none of the chain's. */
  | 'unknown-stage'
  /** The stage was answered before in this run. */
  | 'loop'
  /** Another request of the same run is under way. */
  | 'concurrent'
  /** It is not the first stage, and the run is not known: never begun here, or forgotten. */
  | 'unknown-run';

/** How a stage ended: answered, early or late; without an answer that is of use; or given up by its client. */
export type StageEnding = 'answered' | 'failed' | 'left';

/** How many runs ended how, all time. */
export interface ChainResults {
  success: number;
  late: number;
  failed: number;
  /** Not asked for to the end, though nothing was wrong. */
  abandoned: number;
}

/** A chain as people are shown it. */
export interface ChainState {
  readonly chain: string;
  readonly qos: QosTarget;
  /** Share of the runs that ended within W as asked for; null before the first. */
  readonly successRatio: number | null;
  /** Share of the clients whose own runs succeed as often as asked for; null without clients. */
  readonly clientsSatisfiedRatio: number | null;
  /** The number of runs under way. */
  readonly runs: number;
  readonly results: Readonly<ChainResults>;
  readonly stages: readonly StageState[];
  /** Worst served first; bounded. */
  readonly clients: readonly ClientState[];
}

/** A stage of a chain: its part of the goal, and what later runs keep for it, ms. */
export interface StageState {
  readonly service: string;
  readonly shareMs: number;
  readonly reserveMs: number;
  /** Answers that this was learned from. */
  readonly samples: number;
}

/** One stage of one run, from its start to its end. */
export class RunStage {
  readonly #chain: Chain;
  readonly #run: Run;
  readonly #name: string;
  readonly #stage: number;
  /** What the stage may take, ms. */
  readonly budgetMs: number;
  /** What the policy of the service is to steer by, ms. */
  readonly aimMs: number;
  #over = false;

  /** `name`: of the run; `leftMs`: of the goal. */
  constructor(
    chain: Chain,
    run: Run,
    { name, stage, leftMs }: { readonly name: string; readonly stage: number; readonly leftMs: number },
  ) {
    this.#chain = chain;
    this.#run = run;
    this.#name = name;
    this.#stage = stage;
    this.budgetMs = chain.budgets.budgetMs(stage, leftMs);
    this.aimMs = chain.budgets.aimMs(stage);
  }

  /** `latencyMs`: what the stage took, as charged. Only the first call counts. */
  end(ending: StageEnding, latencyMs: number, nowMs: number): void {
    if (this.#over) return;
    this.#over = true;
    const { budgets } = this.#chain;
    // An end that came too late is a bound from below of what the answer would have taken; in a late run, whose budget is
    // nothing, it is one only beyond what the stage is known to take.
    const isEvidence = ending === 'answered' || latencyMs > Math.max(this.budgetMs, budgets.reserveMs(this.#stage));
    if (isEvidence && latencyMs > 0) budgets.observe(this.#stage, latencyMs);
    this.#chain.stageEnded(this.#run, { name: this.#name, stage: this.#stage, ending }, nowMs);
  }
}

/** One chain: its runs, what its stages take, and the account of its clients. */
export class Chain {
  readonly name: string;
  readonly budgets: StageBudgets;
  readonly #options: ChainOptions;
  readonly #runs: ChainRuns;
  readonly #clients: ClientLedger;
  readonly #results: ChainResults = { success: 0, late: 0, failed: 0, abandoned: 0 };
  /** Runs, not settled, of which a stage failed and was not asked for again yet; the first to fail comes first. */
  readonly #failed = new Set<Run>();
  #nowMs = 0;

  constructor(options: ChainOptions) {
    const { name, goal, work } = options;
    this.name = name;
    this.#options = options;
    this.budgets = new StageBudgets(goal, work);
    this.#clients = new ClientLedger(goal.windowMs, CLIENTS_MAX);
    this.#runs = new ChainRuns((run) => this.#forgotten(run));
  }

  /** A request of the client says that it is the next of a run; refused, it is one of its service alone. */
  begin(
    { clientId, run: name, service }: { readonly clientId: string; readonly run: string; readonly service: string },
    nowMs: number,
  ): RunStage | ChainRefusal {
    this.#sweep(nowMs);
    const stage = this.#options.stages.indexOf(service);
    if (stage < 0) return 'unknown-stage';
    let run = this.#runs.find(clientId, name);
    if (run === undefined) {
      if (stage !== 0) return 'unknown-run';
      run = this.#runs.begin(clientId, name, nowMs);
    }
    if (run.busy) return 'concurrent';
    if (stage < run.next) return 'loop';
    run.busy = true;
    this.#failed.delete(run);
    this.#runs.seen(run, name, nowMs);
    const leftMs = this.#options.goal.latencyMs - (nowMs - run.startedMs);
    return new RunStage(this, run, { name, stage, leftMs });
  }

  /** Takes in the end of a stage; called by the stage. */
  stageEnded(
    run: Run,
    { name, stage, ending }: { readonly name: string; readonly stage: number; readonly ending: StageEnding },
    nowMs: number,
  ): void {
    this.#nowMs = nowMs;
    run.busy = false;
    run.failed = ending === 'failed';
    if (run.failed && !run.settled) this.#failed.add(run);
    this.#runs.seen(run, name, nowMs);
    const late = nowMs - run.startedMs > this.#options.goal.latencyMs;
    if (ending === 'answered') run.next = stage + 1;
    const whole = run.next === this.#options.stages.length;
    if (late) this.#settle(run, run.failed ? 'failed' : 'late');
    else if (whole) this.#settle(run, 'success');
    if (whole) this.#runs.end(run, name);
  }

  state(nowMs: number): ChainState {
    this.#sweep(nowMs);
    const { stages, goal } = this.#options;
    const successRatio = this.#clients.overallSuccessRatio(nowMs);
    return {
      chain: this.name,
      qos: goal,
      successRatio: Number.isNaN(successRatio) ? null : successRatio,
      clientsSatisfiedRatio: this.#clients.satisfiedRatio(goal.successRatio, nowMs),
      runs: this.#runs.size,
      results: { ...this.#results },
      stages: stages.map((service, stage) => ({
        service,
        shareMs: this.budgets.aimMs(stage),
        reserveMs: this.budgets.reserveMs(stage),
        samples: this.budgets.samples(stage),
      })),
      clients: this.#clients.worst(CLIENTS_SHOWN_MAX, nowMs),
    };
  }

  /** What was learned and accounted, as plain JSON. Runs under way are not kept: they are over before a start is. */
  snapshot(nowMs: number): unknown {
    const { stages, goal } = this.#options;
    return { goal, stages, learned: this.budgets.snapshot(), clients: this.#clients.snapshot(nowMs) };
  }

  /** Takes back a snapshot of the same chain that is `ageMs` old; ignores another one. */
  restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    const { goal, stages, learned, clients } = recordOf(snapshot);
    const { stages: own, goal: ownGoal } = this.#options;
    if (JSON.stringify([goal, stages]) !== JSON.stringify([ownGoal, own])) return;
    this.budgets.restore(learned);
    this.#clients.restore(clients, ageMs, nowMs);
  }

  #sweep(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#runs.sweep(nowMs);
    for (const run of this.#failed) {
      if (nowMs - run.startedMs <= this.#options.goal.latencyMs) break;
      this.#settle(run, 'failed');
    }
  }

  #settle(run: Run, result: keyof ChainResults): void {
    this.#failed.delete(run);
    if (run.settled) return;
    run.settled = true;
    this.#results[result]++;
    if (result !== 'abandoned') this.#clients.record(run.clientId, result === 'success', this.#nowMs);
  }

  /** A run whose client stopped because a stage failed has failed; one that stopped of itself says nothing. */
  #forgotten(run: Run): void {
    this.#settle(run, run.failed ? 'failed' : 'abandoned');
  }
}
