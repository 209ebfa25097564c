import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Housekeeping, type HousekeepingOptions } from '../../../src/app/watch/housekeeping.ts';
import type { InstanceState, RouterState } from '../../../src/core/service-router.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const NOTHING: HousekeepingOptions = {
  services: new Map(),
  broker: () => null,
  reloadProblems: () => [],
  notifier: { status: () => {} },
  clock: { nowMs: () => 0 },
  log: { error: () => {} },
  onEvent: () => {},
  onState: () => {},
};

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
    ...NOTHING,
    services: new Map([['pilotnet', router]]),
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

it('a broker that a reload brings is looked at each second; the status line goes on when it is taken away', () => {
  let broker: ReturnType<HousekeepingOptions['broker']> = null;
  const events: unknown[] = [];
  let statuses = 0;
  const housekeeping = new Housekeeping({
    ...NOTHING,
    broker: () => broker,
    notifier: { status: () => void statuses++ },
    onEvent: (event) => events.push(event),
  });
  housekeeping.start();
  vi.advanceTimersByTime(5_000);
  broker = { connected: true, url: 'mqtt://a', lastError: null };
  vi.advanceTimersByTime(5_000);
  expect(events).toHaveLength(1);
  broker = { connected: false, url: 'mqtt://a', lastError: 'gone' };
  vi.advanceTimersByTime(1_000);
  expect(events).toHaveLength(2);
  broker = null;
  vi.advanceTimersByTime(19_000);
  // At 5, 10, 17, 22 and 27 s.
  expect(statuses).toBe(5);
  housekeeping.stop();
});
