import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { WorkerThread } from '../../../src/app/workers/thread.ts';
import type { InstanceState } from '../../../src/core/service-router.ts';

/** A worker that said `rests` last, and how often it was asked to report. */
function workerThat(rests: boolean) {
  const asked: unknown[] = [];
  const worker = Object.assign(new EventEmitter(), { postMessage: (message: unknown) => asked.push(message) });
  const thread = new WorkerThread('worker-1', worker as unknown as Worker, { onMessage: () => {}, onError: () => {} });
  worker.emit('message', { kind: 'listening' });
  const report = () => worker.emit('message', { kind: 'report', rests });
  report();
  const rounds = (count: number): boolean => Array.from({ length: count }, () => thread.round()).includes(true);
  return { thread, rounds, report, timesAsked: () => asked.length };
}

it('a worker that rests is asked after four rounds, and has from then on as long as one that does not', () => {
  const busy = workerThat(false);
  busy.rounds(5);
  expect(busy.thread.serves).toBe(true);
  expect(busy.rounds(1)).toBe(false);
  expect(busy.thread.serves).toBe(false);
  expect(busy.rounds(4)).toBe(true);
  const resting = workerThat(true);
  resting.rounds(4);
  expect(resting.timesAsked()).toBe(1);
  resting.rounds(5);
  expect(resting.thread.serves).toBe(true);
  expect(resting.rounds(1)).toBe(false);
  expect(resting.thread.serves).toBe(false);
  expect(resting.rounds(4)).toBe(true);
});

it('a worker that rests is asked no more often than every four rounds', () => {
  const { thread, rounds, report, timesAsked } = workerThat(true);
  for (let i = 0; i < 10; i++) {
    rounds(4);
    report();
  }
  expect(timesAsked()).toBe(10);
  expect(thread.serves).toBe(true);
});

const state = (key: string, answeredAgeMs: number | null) => ({ key, answeredAgeMs }) as InstanceState;

it('an instance answered a worker when that says so, however old its word is', () => {
  const thread = new WorkerThread('worker-1', new EventEmitter() as Worker, { onMessage: () => {}, onError: () => {} });
  const said = { kind: 'instances', service: 'a', nowMs: 10_000 } as const;
  expect(thread.answeredMs('a', 'n/i')).toBe(Number.NEGATIVE_INFINITY);
  thread.takeInstances({ ...said, states: [state('n/i', 700), state('n/never', null)], last: true });
  expect(thread.answeredMs('a', 'n/i')).toBe(9_300);
  expect(thread.answeredMs('a', 'n/never')).toBe(Number.NEGATIVE_INFINITY);
  expect(thread.answeredMs('a', 'n/unknown')).toBe(Number.NEGATIVE_INFINITY);
  thread.takeInstances({ ...said, nowMs: 14_000, states: [state('n/i', 100)], last: false });
  expect(thread.answeredMs('a', 'n/i')).toBe(9_300);
  thread.takeInstances({ ...said, nowMs: 14_000, states: [], last: true });
  expect(thread.answeredMs('a', 'n/i')).toBe(13_900);
});
