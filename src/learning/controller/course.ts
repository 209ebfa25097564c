// The course of one task: which generation of which configuration runs, how far it is, what it has cost, when it is over. Pure: nodes,
// reports and the time in, steps out; the controller carries them out. While a configuration is searched for, the one before goes on.

import type { ConfigurationRequest, LearningConfiguration } from '../../plan/learning/configuration.ts';
import { fitCurve } from '../../plan/learning/curve.ts';
import {
  changeCost,
  isSame,
  type Reconfiguration,
  type Remaining,
  roundCost,
  type Shown,
  shouldReturn,
  TRIAL_ROUNDS,
  withoutLeft,
} from '../../plan/learning/reconfiguration.ts';
import type { LearningTopology } from '../../plan/learning/topology.ts';
import { COUNT_MAX, type Progress, type TaskState } from '../messages/payloads.ts';
import type { Ignored } from './ignored.ts';
import type { Finding, Question } from './search/find.ts';
import { Settling } from './settling.ts';

/** When a task is over; null: not by this. At least one is there. */
export interface Ends {
  readonly rounds: number | null;
  readonly accuracy: number | null;
  readonly loss: number | null;
  /** Units of communication. */
  readonly cost: number | null;
}

/** What the controller has to do. */
export type Step =
  /** A new generation begins, at this round, from the newest snapshot. */
  | {
      readonly kind: 'deploy';
      readonly configuration: LearningConfiguration;
      readonly generation: number;
      readonly round: number;
    }
  /** There are not the nodes that a configuration takes: nothing is to run. */
  | { readonly kind: 'halt' }
  | { readonly kind: 'end' };

/** What a task is made of. */
export interface CourseOptions {
  readonly request: ConfigurationRequest;
  readonly ends: Ends;
  /** Nodes come and go in groups: nothing is decided before they have been the same for this long, ms. */
  readonly settleMs: number;
  /** The newest generation that there was; the next one is higher. */
  readonly generation: number;
  /** What nodes sent and what changed nothing. */
  readonly ignored: Ignored;
  /** The round of the newest snapshot; 0: there is none. */
  readonly snapshotRound: () => number;
  /** The configuration for the nodes there are; null: not found yet, asked again at the next tick. */
  readonly find: (question: Question) => Finding | null;
}

/** A report that is ahead of the last one by more than this is no report of this task. */
const ROUNDS_AHEAD_MAX = 100;
/** Rounds of one configuration that are kept for its curve. */
const ROUNDS_KEPT = 200;

/** The nodes of the task as they are now, or why there is no task with them. */
export type Nodes = LearningTopology | string;

/** One task from its first node to its end. */
export class Course {
  readonly #options: CourseOptions;
  readonly #settling: Settling;
  #phase: TaskState['phase'] = 'waiting';
  #reason = 'no node is there yet';
  #generation = 0;
  #round = 0;
  #accuracy: number | null = null;
  #loss: number | null = null;
  #spent = 0;
  #configuration: LearningConfiguration | null = null;
  #rounds: { round: number; accuracy: number }[] = [];
  /** What the present configuration took the place of, until it has shown itself. */
  #before: Shown | null = null;
  #nodes: Nodes = 'no node is there yet';
  #moved = false;
  /** What is being searched for. */
  #question: Question | null = null;
  /** The nodes were not still when it was asked: another change does not take it back. */
  #isOverdue = false;

  /** @param restored where the controller before this one left it */
  constructor(options: CourseOptions, restored: TaskState | null) {
    this.#options = options;
    this.#settling = new Settling(options.settleMs);
    this.#generation = options.generation;
    if (restored === null) return;
    this.#round = restored.round;
    this.#accuracy = restored.accuracy;
    this.#loss = restored.loss;
    this.#spent = restored.spent;
    this.#configuration = restored.configuration;
    this.#rounds = [...restored.rounds];
    this.#reason = 'another controller has taken over';
  }

  /** How it stands, but for the snapshot, which is the controller's. */
  get state(): Omit<TaskState, 'snapshot'> {
    return {
      phase: this.#phase,
      reason: this.#reason,
      generation: this.#generation,
      round: this.#round,
      accuracy: this.#accuracy,
      loss: this.#loss,
      spent: this.#spent,
      configuration: this.#configuration,
      rounds: this.#rounds,
      ignored: this.#options.ignored.entries,
    };
  }

  /** The last round that a report or a model may be of. */
  get roundMax(): number {
    return Math.min(COUNT_MAX, this.#round + ROUNDS_AHEAD_MAX);
  }

  /** The nodes changed, or what they bring; decided by `tick` once they are still. `moved`: one has another address. */
  nodesAre(nodes: Nodes, moved: boolean, nowMs: number): void {
    this.#nodes = nodes;
    this.#moved ||= moved;
    this.#settling.changed(nowMs);
    if (!this.#isOverdue) this.#question = null;
  }

  /**
   * What the command of a node says. Only the global aggregator's moves the task; nonsense is counted.
   *
   * @returns what is wrong with it; null: nothing
   */
  progress(node: string, report: Progress): string | null {
    // What is left over from an earlier generation says nothing of this one.
    if (report.generation < this.#generation || this.#phase !== 'training') return null;
    const wrong = this.#wrongIn(node, report);
    if (wrong !== null) this.#options.ignored.add(node, wrong);
    else if (node === this.#configuration?.global && report.round > this.#round) this.#advance(report);
    return wrong;
  }

  /** @returns what is to be done now; null: nothing */
  tick(nowMs: number): Step | null {
    if (this.#phase === 'done') return null;
    const end = this.#phase === 'training' ? this.#endReached() : null;
    if (end !== null) return this.#finish(end);
    const due = this.#question === null ? this.#settling.take(nowMs) : null;
    if (due !== null) {
      if (typeof this.#nodes === 'string') return this.#halt(this.#nodes);
      this.#question = this.#questionFor(this.#nodes);
      this.#isOverdue = due === 'overdue';
    }
    if (this.#question !== null) return this.#settle(this.#question);
    return this.#phase === 'training' ? this.#judge() : null;
  }

  #wrongIn(node: string, { generation, round }: Progress): string | null {
    const known = this.#configuration;
    const members = [
      known?.global,
      ...(known?.clusters ?? []).flatMap(({ aggregator, clients }) => [aggregator, ...clients]),
    ];
    if (!members.includes(node)) return 'reports, and has no part in the task';
    if (generation > this.#generation) return `generation ${generation}, and the newest is ${this.#generation}`;
    if (round > this.roundMax) return `round ${round}, and the last one was ${this.#round}`;
    return null;
  }

  #advance({ round, accuracy, loss }: Progress): void {
    this.#spent += (round - this.#round) * this.#roundCost();
    this.#round = round;
    this.#loss = loss ?? this.#loss;
    if (accuracy === undefined) return;
    this.#accuracy = accuracy;
    this.#rounds = [...this.#rounds, { round, accuracy }].slice(-ROUNDS_KEPT);
  }

  #roundCost(): number {
    return this.#configuration === null ? 0 : roundCost(this.#configuration);
  }

  #endReached(): string | null {
    const { rounds, accuracy, loss, cost } = this.#options.ends;
    if (accuracy !== null && this.#accuracy !== null && this.#accuracy >= accuracy) {
      return `accuracy ${this.#accuracy} of ${accuracy}`;
    }
    if (loss !== null && this.#loss !== null && this.#loss <= loss) return `loss ${this.#loss} of ${loss}`;
    if (rounds !== null && this.#round >= rounds) return `${this.#round} rounds of ${rounds}`;
    const spent = Math.round(this.#spent);
    if (cost !== null && this.#spent + this.#roundCost() > cost)
      return `${spent} units of ${cost}, no room for a round`;
    return null;
  }

  #finish(reason: string): Step {
    this.#phase = 'done';
    this.#reason = reason;
    return { kind: 'end' };
  }

  #questionFor(nodes: LearningTopology): Question {
    return { current: this.#configuration, nodes, request: this.#options.request, remaining: this.#remaining() };
  }

  #settle(question: Question): Step | null {
    const finding = this.#options.find(question);
    if (finding === null) return null;
    this.#question = null;
    this.#isOverdue = false;
    if (finding.kind === 'none') return this.#halt(finding.reason);
    if (question.current === null) return this.#deploy(finding.configuration, 'the nodes are there');
    return this.#change(question.current, finding);
  }

  #change(current: LearningConfiguration, found: Reconfiguration): Step | null {
    const moved = this.#moved;
    const { configuration } = found;
    if (found.kind === 'keep') {
      // A node that is not taken in changes nothing; one that left, or is elsewhere now, does.
      const same = isSame(current, configuration) && !moved && this.#phase === 'training';
      return same ? null : this.#deploy(configuration, `goes on with the nodes that are left${otherwise(found)}`);
    }
    this.#before = { configuration: current, rounds: this.#rounds };
    this.#spent += found.cost;
    this.#rounds = [];
    return this.#deploy(configuration, `the nodes changed: ${judged(found)}`);
  }

  #deploy(configuration: LearningConfiguration, reason: string): Step {
    this.#phase = 'training';
    this.#reason = reason;
    this.#configuration = configuration;
    // After the last comes the first: no number on the broker, from wherever, ends a task.
    this.#generation = this.#generation >= COUNT_MAX ? 1 : this.#generation + 1;
    this.#moved = false;
    this.#round = this.#options.snapshotRound();
    this.#rounds = this.#rounds.filter(({ round }) => round <= this.#round);
    return { kind: 'deploy', configuration, generation: this.#generation, round: this.#round };
  }

  #halt(reason: string): Step | null {
    this.#reason = reason;
    if (this.#phase !== 'training') return null;
    this.#phase = 'waiting';
    return { kind: 'halt' };
  }

  /** After some rounds both configurations have shown what they are worth; the one before may come back, once. */
  #judge(): Step | null {
    const { request, ends } = this.#options;
    const [before, configuration, topology] = [this.#before, this.#configuration, this.#nodes];
    if (before === null || configuration === null || typeof topology === 'string') return null;
    if (this.#rounds.length < TRIAL_ROUNDS) return null;
    this.#before = null;
    const earlier = withoutLeft(before.configuration, topology, request);
    if (earlier === null) return null;
    const cost = changeCost(configuration, earlier, { topology, request });
    const returns = shouldReturn({
      before: { configuration: earlier, rounds: before.rounds },
      now: { configuration, rounds: this.#rounds },
      round: this.#round,
      remaining: this.#remaining(),
      target: ends.accuracy,
      cost,
    });
    if (!returns) return null;
    this.#spent += cost;
    this.#rounds = [...before.rounds];
    const slope = fitCurve(before.rounds)?.b.toFixed(4);
    return this.#deploy(earlier, `the configuration before was better (accuracy grew by ${slope}·ln(round))`);
  }

  #remaining(): Remaining {
    const { rounds, cost } = this.#options.ends;
    return {
      rounds: rounds === null ? null : Math.max(0, rounds - this.#round),
      units: cost === null ? null : Math.max(0, cost - this.#spent),
    };
  }
}

/** What a change would have been worth, where there is one to be had. */
function otherwise({ gain, cost }: Reconfiguration): string {
  if (gain === 0 && cost === 0) return '';
  return `: a change would gain ${Math.round(gain)} units, and cost ${Math.round(cost)}`;
}

function judged(found: Reconfiguration & { readonly kind: 'change' }): string {
  const cost = `cost ${Math.round(found.cost)}`;
  return found.needed
    ? `the clusters of before cannot go on, ${cost} units`
    : `gain ${Math.round(found.gain)} units, ${cost}`;
}
