import { describe, expect, it } from 'vitest';
import { textOf } from '../../../../src/cli/commands/fl/status.ts';
import type { TaskState } from '../../../../src/learning/messages/payloads.ts';

const STATE: TaskState = {
  phase: 'training',
  reason: 'the nodes are there',
  generation: 2,
  round: 7,
  accuracy: 0.51234,
  loss: 0.25,
  spent: 1_200.4,
  configuration: {
    global: 'g',
    clusters: [{ aggregator: 'a', clients: ['b', 'c'] }],
    divergence: 0.1,
    epochs: 8,
    localRounds: 2,
    costPerEpoch: 9,
  },
  rounds: [],
  ignored: [{ node: 'liar', count: 3, reason: 'round 99, and the last one was 7' }],
  snapshot: { round: 6, sha256: '0'.repeat(64), url: 'http://10.0.0.1/' },
};

describe('the status of a task', () => {
  it('says how far it is, where its clients are, and what was ignored', () => {
    const progress = new Map([
      ['b', { generation: 2, round: 6 }],
      ['c', { generation: 1, round: 5 }],
    ]);
    expect(textOf({ claim: { id: '12-ab', term: 3 }, state: STATE, progress }, 80)).toBe(
      [
        'controller  12-ab, term 3',
        'phase       training: the nodes are there',
        'round       7 in generation 2, accuracy 0.5123, loss 0.2500',
        'cost        1200 units so far',
        'snapshot    of round 6',
        'at a        b (6) c',
        'ignored     3 of liar: round 99, and the last one was 7',
      ].join('\n'),
    );
  });

  it('steers no terminal by what stands on the broker', () => {
    const evil = 'a\x1b]0;owned\x07\u009b2J\r\nphase done\u202e';
    const state = { ...STATE, reason: evil, ignored: [{ node: evil, count: 1, reason: evil }] };
    const text = textOf({ claim: { id: evil, term: 1 }, state, progress: new Map() }, 2_000);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(text.split('\n')).toHaveLength(7);
    expect(text).toContain('a\\u001b]0;owned\\u0007\\u009b2J\\u000d\\u000aphase done\\u202e');
  });
});
