import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { WorkerThread } from '../../../src/app/workers/thread.ts';
import type { InstanceState } from '../../../src/core/service-router.ts';

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
