// A task from its first node to its end, without a broker.

import { describe, expect, it } from 'vitest';
import { Course, type Ends } from '../../../src/learning/controller/course.ts';
import { Ignored } from '../../../src/learning/controller/ignored.ts';
import { type Finding, find, type Question } from '../../../src/learning/controller/search/find.ts';
import { DEMO_NODES } from '../../../src/learning/demo.ts';
import type { TaskState } from '../../../src/learning/messages/payloads.ts';
import type { ConfigurationRequest } from '../../../src/plan/learning/configuration.ts';
import { parseNodes } from '../../../src/plan/learning/nodes-file.ts';
import { type LearningTopology, without } from '../../../src/plan/learning/topology.ts';

const D13 = parseNodes('nodes', DEMO_NODES);
const REQUEST: ConfigurationRequest = { strategy: 'min-kld', modelMb: 10, budget: 600, search: 'least', seed: 1 };
const NO_END: Ends = { rounds: null, accuracy: null, loss: null, cost: null };

function left(...ids: string[]): LearningTopology {
  const rest = without(D13, ids);
  if (typeof rest === 'string') throw new Error(rest);
  return rest;
}

interface Rig {
  readonly course: Course;
  readonly ignored: Ignored;
  snapshotRound: number;
}

interface RigOptions {
  readonly find?: (question: Question) => Finding | null;
}

function rig(ends: Partial<Ends> = {}, restored: TaskState | null = null, options: RigOptions = {}): Rig {
  const ignored = new Ignored(() => {});
  const made = { ignored, snapshotRound: 0 } as { ignored: Ignored; snapshotRound: number; course: Course };
  made.course = new Course(
    {
      request: REQUEST,
      ends: { ...NO_END, ...ends },
      settleMs: 1_000,
      generation: restored?.generation ?? 0,
      ignored,
      snapshotRound: () => made.snapshotRound,
      find,
      ...options,
    },
    restored,
  );
  return made;
}

/** A course whose first generation runs. */
function running(ends: Partial<Ends> = {}): Rig {
  const made = rig(ends);
  made.course.nodesAre(D13, false, 0);
  made.course.tick(1_000);
  return made;
}

function learn({ course }: Rig, accuracies: readonly number[], generation = 1): void {
  for (const accuracy of accuracies) {
    course.progress('n1', { generation, round: course.state.round + 1, accuracy });
  }
}

describe('the course of a task', () => {
  it('begins once the nodes were still, and not before', () => {
    const { course } = rig();
    course.nodesAre(D13, false, 0);
    expect(course.tick(999)).toBeNull();
    expect(course.tick(1_000)).toMatchObject({ kind: 'deploy', generation: 1, round: 0 });
    expect(course.state.configuration?.divergence).toBe(0.22441057019914015);
  });

  it('begins once its configuration is found, and looks again where the nodes changed meanwhile', () => {
    const asked: Question[] = [];
    const { course } = rig({}, null, {
      find: (question) => {
        const isNew = !asked.includes(question);
        if (isNew) asked.push(question);
        return isNew ? null : find(question);
      },
    });
    course.nodesAre(D13, false, 0);
    expect(course.tick(1_000)).toBeNull();
    course.nodesAre(left('n9'), false, 1_050);
    expect(course.tick(1_100)).toBeNull();
    expect(course.tick(2_100)).toBeNull();
    expect(course.tick(2_200)).toMatchObject({ kind: 'deploy', generation: 1 });
    expect(course.state.configuration?.divergence).toBe(0.37967447155304745);
    expect(asked.map(({ nodes }) => nodes.clients.length)).toEqual([6, 5]);
  });

  it('begins also where one node comes and goes all the time', () => {
    let looks = 0;
    // It is found at the fifth look, and by then the nodes are others again.
    const { course } = rig({}, null, { find: (question) => (++looks < 5 ? null : find(question)) });
    const steps = [];
    for (let nowMs = 0; nowMs < 15_000; nowMs += 500) {
      course.nodesAre(nowMs % 1_000 === 0 ? D13 : left('n9'), false, nowMs);
      steps.push(course.tick(nowMs + 100));
    }
    const begun = steps.filter((step) => step !== null);
    expect(begun).toMatchObject([{ kind: 'deploy', generation: 1 }]);
    expect(steps.indexOf(begun[0] ?? null)).toBe(24);
  });

  it('goes on after the highest generation that there can be', () => {
    const { state } = rig().course;
    const { course } = rig({}, { ...state, generation: 1e9, snapshot: null });
    course.nodesAre(D13, false, 0);
    expect(course.tick(1_000)).toMatchObject({ kind: 'deploy', generation: 1 });
  });

  it('waits, and says why, where there is no aggregator for all', () => {
    const { course } = rig();
    course.nodesAre('no node is the global-aggregator', false, 0);
    expect(course.tick(2_000)).toBeNull();
    expect(course.state).toMatchObject({ phase: 'waiting', reason: 'no node is the global-aggregator' });
  });

  it('counts rounds and their cost by the global aggregator alone', () => {
    const made = running();
    learn(made, [0.3, 0.4]);
    made.course.progress('n4', { generation: 1, round: 9, samples: 31_000 });
    expect(made.course.state).toMatchObject({ round: 2, accuracy: 0.4, spent: 67_000 });
    expect(made.ignored.entries).toEqual([]);
  });

  it.each([
    ['a node without a part', 'n17', { generation: 1, round: 1 }, /no part/],
    ['a generation that is not there yet', 'n4', { generation: 7, round: 1 }, /generation 7/],
    ['a round far ahead', 'n1', { generation: 1, round: 5_000 }, /round 5000/],
  ])('counts and names a report of %s, which changes nothing', (_, node, report, reason) => {
    const { course, ignored } = running();
    const before = course.state.round;
    expect(course.progress(node, report)).toMatch(reason);
    expect(course.state.round).toBe(before);
    expect(ignored.entries).toMatchObject([{ node, count: 1, reason: expect.stringMatching(reason) }]);
  });

  it('takes a report of an earlier generation for what it is, and counts nothing', () => {
    const made = running();
    made.course.nodesAre(left('n9'), false, 2_000);
    made.course.tick(3_000);
    expect(made.course.progress('n1', { generation: 1, round: 1, accuracy: 0.9 })).toBeNull();
    expect(made.course.state.round).toBe(0);
    expect(made.ignored.entries).toEqual([]);
  });

  it('goes on from the snapshot, without the node that left', () => {
    const made = running({ rounds: 30 });
    learn(made, [0.3, 0.4, 0.5]);
    made.snapshotRound = 2;
    made.course.nodesAre(left('n9'), false, 2_000);
    expect(made.course.tick(3_000)).toMatchObject({ kind: 'deploy', generation: 2, round: 2 });
    expect(made.course.state.configuration?.clusters.flatMap(({ clients }) => clients)).not.toContain('n9');
  });

  it('takes a new configuration for a node that joins, where its data outweighs the change', () => {
    const made = rig({ rounds: 100 });
    made.course.nodesAre(left('n9'), false, 0);
    made.course.tick(1_000);
    made.course.nodesAre(D13, false, 2_000);
    expect(made.course.tick(3_000)).toMatchObject({ kind: 'deploy', generation: 2 });
    expect(made.course.state.reason).toMatch(/^the nodes changed: gain \d+ units, cost \d+$/);
  });

  it('leaves a node that joins aside, where too little is left to be worth it', () => {
    const made = rig({ rounds: 3 });
    made.course.nodesAre(left('n9'), false, 0);
    made.course.tick(1_000);
    learn(made, [0.3, 0.4]);
    // A client with hardly any data, and the dearest links.
    const [n4] = D13.clients;
    if (n4 === undefined) throw new Error('n4 is there');
    const poor = { ...n4, id: 'n10', samples: new Map([['0', 1]]) };
    made.course.nodesAre({ ...left('n9'), clients: [...left('n9').clients, poor] }, false, 2_000);
    expect(made.course.tick(3_000)).toBeNull();
    expect(made.course.state).toMatchObject({ generation: 1, phase: 'training' });
  });

  it('changes to one level when an aggregator is gone, at any cost', () => {
    const made = running({ rounds: 10 });
    made.course.nodesAre(left('n2'), false, 2_000);
    expect(made.course.tick(3_000)).toMatchObject({ kind: 'deploy', generation: 2 });
    expect(made.course.state.configuration).toMatchObject({ clusters: [{ aggregator: 'n1' }], divergence: null });
  });

  it('halts without the global aggregator, and goes on when it is back', () => {
    const made = running();
    made.course.nodesAre('no node is the global-aggregator', false, 2_000);
    expect(made.course.tick(3_000)).toEqual({ kind: 'halt' });
    made.course.nodesAre(D13, false, 4_000);
    expect(made.course.tick(5_000)).toMatchObject({ kind: 'deploy', generation: 2 });
  });

  it('begins again where a node is at another address, with the same clusters', () => {
    const made = running();
    made.course.nodesAre(D13, true, 2_000);
    expect(made.course.tick(3_000)).toMatchObject({ kind: 'deploy', generation: 2 });
  });

  it('comes back to the configuration before, where that learned more', () => {
    const made = running({ rounds: 100 });
    learn(made, [0.3, 0.45, 0.53, 0.6, 0.64, 0.68]);
    made.snapshotRound = 6;
    // Another client with much data, so that the change is taken.
    const [n4] = D13.clients;
    if (n4 === undefined) throw new Error('n4 is there');
    const joined = { ...D13, clients: [...D13.clients, { ...n4, id: 'n10' }] };
    made.course.nodesAre(joined, false, 2_000);
    expect(made.course.tick(3_000)).toMatchObject({ kind: 'deploy', generation: 2 });
    learn(made, [0.66, 0.65, 0.66, 0.65], 2);
    expect(made.course.tick(4_000)).toBeNull();
    learn(made, [0.66], 2);
    expect(made.course.tick(5_000)).toMatchObject({ kind: 'deploy', generation: 3 });
    expect(made.course.state.reason).toMatch(/^the configuration before was better/);
    expect(made.course.state.configuration?.divergence).toBeCloseTo(0.22441057019914015, 12);
    // Once: what came back is not doubted again.
    learn(made, [0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 3);
    expect(made.course.tick(6_000)).toBeNull();
  });

  it.each([
    ['rounds', { rounds: 2 }, '2 rounds of 2'],
    ['accuracy', { accuracy: 0.4 }, 'accuracy 0.4 of 0.4'],
    ['cost', { cost: 100_000 }, '67000 units of 100000, no room for a round'],
  ])('ends by %s', (_, ends, reason) => {
    const made = running(ends);
    learn(made, [0.3, 0.4]);
    expect(made.course.tick(2_000)).toEqual({ kind: 'end' });
    expect(made.course.state).toMatchObject({ phase: 'done', reason });
  });

  it('ends by loss', () => {
    const { course } = running({ loss: 0.5 });
    course.progress('n1', { generation: 1, round: 1, loss: 0.4 });
    expect(course.tick(2_000)).toEqual({ kind: 'end' });
  });

  it('takes over where another controller left it, with the same clusters and the next generation', () => {
    const before = running({ rounds: 50 });
    learn(before, [0.3, 0.4, 0.5]);
    const { course } = (() => {
      const made = rig({ rounds: 50 }, { ...before.course.state, snapshot: null });
      made.snapshotRound = 3;
      return made;
    })();
    course.nodesAre(D13, false, 0);
    expect(course.tick(1_000)).toMatchObject({ kind: 'deploy', generation: 2, round: 3 });
    expect(course.state).toMatchObject({ spent: 100_500, accuracy: 0.5 });
    expect(course.state.configuration?.clusters).toEqual(before.course.state.configuration?.clusters);
  });
});
