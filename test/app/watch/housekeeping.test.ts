import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Housekeeping } from '../../../src/app/watch/housekeeping.ts';
import type { InstanceState, RouterState } from '../../../src/core/service-router.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('instances are not read again while they are still being read', async () => {
  let readings = 0;
  const states: RouterState[] = [];
  const router = {
    candidates: [],
    overview: () => routerStateOf(),
    *instances(): Iterable<InstanceState> {
      readings++;
      yield instanceStateOf('edge-1');
      yield instanceStateOf('edge-2');
    },
  };
  const housekeeping = new Housekeeping({
    services: new Map([['pilotnet', router]]),
    broker: () => null,
    reloadProblems: () => [],
    notifier: { status: () => {} },
    clock: { nowMs: () => 0 },
    log: { error: () => {} },
    onEvent: () => {},
    onState: (state) => states.push(state),
  });
  housekeeping.start();
  vi.advanceTimersByTime(20_000);
  expect(readings).toBe(1);
  while (states.length === 0) await turn();
  expect(states[0]?.instances.map(({ instance }) => instance.nodeId)).toEqual(['edge-1', 'edge-2']);
  await turn();
  vi.advanceTimersByTime(5_000);
  expect(readings).toBe(2);
  housekeeping.stop();
});
