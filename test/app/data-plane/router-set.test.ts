import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RouterSet } from '../../../src/app/data-plane/router-set.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import type { Instance, RequestInfo } from '../../../src/core/domain.ts';
import { createRng } from '../../../src/core/rng.ts';
import type { RouterEvent } from '../../../src/core/service-router.ts';
import { configFrom } from '../../support/config.ts';

const REQUEST: RequestInfo = { clientId: 'cam-1', budgetMs: 80, tried: [] };

const instance = (id: string): Instance => ({
  service: 'pilotnet',
  nodeId: 'n1',
  id,
  scheme: 'http',
  host: '127.0.0.1',
  port: 9000,
  labels: {},
  profile: null,
});

const BASE = `
[node]
id = "pi-7"
[mqtt]
url = "mqtt://127.0.0.1:1883"
[[service]]
name = "pilotnet"
qos = { latency = "80ms", success = 0.9, window = "10s" }
policy = "round-robin"
`;

function makeSet(
  toml: string,
  onEvent: (event: RouterEvent) => void = () => undefined,
): { set: RouterSet; services: readonly ServiceConfig[] } {
  const config = configFrom(toml);
  const set = new RouterSet({
    config,
    clock: { nowMs: () => performance.now() },
    rng: createRng(1),
    sharedFlights: null,
    onEvent: (_, event) => onEvent(event),
  });
  return { set, services: config.services };
}

/** One that nothing was asked of, and that has said so. */
function resting(toml: string) {
  const onWake = vi.fn();
  const set = new RouterSet({
    ...{ config: configFrom(toml), rng: createRng(1), sharedFlights: null, onEvent: () => {}, onWake },
    clock: { nowMs: () => performance.now() },
  });
  onTestFinished(() => set.stop());
  set.start();
  set.look();
  vi.advanceTimersByTime(4_000);
  expect(set.look()).toBe(true);
  return { set, onWake };
}

function fail(): never {
  throw new Error('routed nowhere');
}

describe('the router set', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('routes to what placement says, and to nothing else', () => {
    const { set } = makeSet(BASE);
    const router = set.routers.get('pilotnet');
    expect(router?.route(REQUEST, 0)).toBeNull();
    set.applyPlacement('pilotnet', { kind: 'instance-set', instance: instance('i1') });
    set.applyPlacement('unheard-of', { kind: 'instance-set', instance: instance('i2') });
    expect(router?.candidates.map((candidate) => candidate.key)).toEqual(['n1/i1']);
    set.applyPlacement('pilotnet', { kind: 'instance-removed', key: 'n1/i1' });
    expect(router?.route(REQUEST, 0)).toBeNull();
  });

  it('gives no traffic to an instance whose name has no address, until it has one', () => {
    const { set } = makeSet(BASE);
    set.observeName('pi-9.test', false);
    set.applyPlacement('pilotnet', { kind: 'instance-set', instance: { ...instance('i1'), host: 'pi-9.test' } });
    const availability = () => set.routers.get('pilotnet')?.candidates[0]?.availability;
    expect(availability()).toBe('suspect');
    set.observeName('pi-9.test', true);
    expect(availability()).toBe('up');
    set.observeName('pi-9.test', false);
    expect(availability()).toBe('suspect');
  });

  it('takes the worse of what placement and health checks say of an instance', () => {
    const { set } = makeSet(BASE);
    set.applyPlacement('pilotnet', { kind: 'instance-set', instance: instance('i1') });
    const availability = () => set.routers.get('pilotnet')?.candidates[0]?.availability;
    const placed = (said: 'up' | 'suspect') =>
      set.applyPlacement('pilotnet', { kind: 'instance-availability', key: 'n1/i1', availability: said });
    set.observeHealth('pilotnet', 'n1/i1', false);
    expect(availability()).toBe('suspect');
    placed('up');
    expect(availability()).toBe('suspect');
    placed('suspect');
    set.observeHealth('pilotnet', 'n1/i1', true);
    expect(availability()).toBe('suspect');
    placed('up');
    expect(availability()).toBe('up');
  });

  it('keeps an instance drained through everything that befalls it, until that is taken back', () => {
    const { set } = makeSet(BASE);
    const come = () => set.applyPlacement('pilotnet', { kind: 'instance-set', instance: instance('i1') });
    const placed = (said: 'up' | 'suspect') =>
      set.applyPlacement('pilotnet', { kind: 'instance-availability', key: 'n1/i1', availability: said });
    const availability = () => set.routers.get('pilotnet')?.candidates[0]?.availability;
    come();
    set.drain('pilotnet', 'n1/i1', true);
    expect(availability()).toBe('draining');
    placed('suspect');
    placed('up');
    expect(availability()).toBe('draining');
    set.observeHealth('pilotnet', 'n1/i1', false);
    set.applyPlacement('pilotnet', { kind: 'instance-removed', key: 'n1/i1' });
    come();
    expect(availability()).toBe('draining');
    set.reload(configFrom(BASE.replace('80ms', '50ms')));
    expect(availability()).toBe('draining');
    set.observeHealth('pilotnet', 'n1/i1', false);
    set.drain('pilotnet', 'n1/i1', false);
    expect(availability()).toBe('suspect');
    set.observeHealth('pilotnet', 'n1/i1', true);
    expect(availability()).toBe('up');
  });

  it('steps a service that nothing is asked of every few seconds alone, and in time again from its next request on', () => {
    const onWake = vi.fn();
    const config = configFrom(BASE.replace('"round-robin"', '"qedge"'));
    const set = new RouterSet({
      ...{ config, rng: createRng(1), sharedFlights: null, onEvent: () => {}, onWake },
      clock: { nowMs: () => performance.now() },
    });
    set.applyPlacement('pilotnet', { kind: 'instance-set', instance: instance('i1') });
    const router = set.routers.get('pilotnet');
    if (router === undefined) throw new Error('no router');
    const tick = vi.spyOn(router, 'tick');
    const ticksIn = (ms: number): number => {
      tick.mockClear();
      vi.advanceTimersByTime(ms);
      return tick.mock.calls.length;
    };
    set.start();
    const often = ticksIn(2_000);
    expect(often).toBeGreaterThan(3);
    expect(set.look()).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(set.look()).toBe(true);
    expect(ticksIn(20_000)).toBeLessThanOrEqual(4);
    expect(onWake).not.toHaveBeenCalled();
    const ticket = router.start(router.route(REQUEST, performance.now()) ?? fail(), performance.now());
    expect(onWake).toHaveBeenCalledTimes(1);
    expect(set.look()).toBe(false);
    // As long as it is in flight.
    ticksIn(20_000);
    expect(ticksIn(2_000)).toBeGreaterThanOrEqual(often - 1);
    router.finish(ticket, 'answered', 20, performance.now());
    vi.advanceTimersByTime(5_000);
    expect(ticksIn(20_000)).toBeLessThanOrEqual(4);
    set.stop();
  });

  it('rests no more once a reload brings another router', () => {
    const { set, onWake } = resting(BASE);
    set.reload(configFrom(BASE));
    expect(onWake).not.toHaveBeenCalled();
    set.reload(configFrom(BASE.replace('80ms', '50ms')));
    expect(onWake).toHaveBeenCalledTimes(1);
    expect(set.look()).toBe(false);
  });

  it('makes up for what a rest left out before it hears what neighbours saw', () => {
    const { set } = resting(BASE.replace('"round-robin"', '"qedge"'));
    const router = set.routers.get('pilotnet') ?? fail();
    vi.advanceTimersByTime(3_000);
    expect(router.nextTickMs).toBeLessThan(performance.now());
    set.hear('pilotnet', 'pi-9', { spanMs: 1_000, instances: [] });
    expect(router.nextTickMs).toBeGreaterThan(performance.now());
    expect(router.overview(performance.now()).neighbours?.heard).toHaveLength(1);
  });

  it('keeps the router of a service that stays, and drops that of one that goes', () => {
    const second =
      BASE +
      '[[service]]\nname = "detector"\npolicy = "round-robin"\nqos = { latency = "200ms", success = 0.9, window = "10s" }\n';
    const { set } = makeSet(second);
    const router = set.routers.get('pilotnet');
    set.reload(configFrom(BASE));
    expect([...set.routers.keys()]).toEqual(['pilotnet']);
    expect(set.routers.get('pilotnet')).toBe(router);
  });

  it('starts a service again when its QoS changes, and knows its instances and distances still', () => {
    const { set } = makeSet(BASE);
    set.applyPlacement('pilotnet', { kind: 'instance-set', instance: instance('i1') });
    set.observeRtt('n1', 12);
    const before = set.routers.get('pilotnet');
    set.reload(configFrom(BASE.replace('80ms', '50ms')));
    const after = set.routers.get('pilotnet');
    expect(after).not.toBe(before);
    expect(after?.qos.latencyMs).toBe(50);
    expect(after?.candidates.map(({ key, rttMs }) => ({ key, rttMs }))).toEqual([{ key: 'n1/i1', rttMs: 12 }]);
  });

  it('takes an instance that asked for a pause for well again where its service starts again', () => {
    const { set } = makeSet(BASE);
    set.applyPlacement('pilotnet', { kind: 'instance-set', instance: instance('a') });
    const before = set.routers.get('pilotnet') ?? fail();
    before.eject(before.candidates[0] ?? fail(), performance.now() + 5_000, performance.now());
    expect(before.candidates[0]?.availability).toBe('suspect');
    set.reload(configFrom(BASE.replace('80ms', '50ms')));
    expect(set.routers.get('pilotnet')?.candidates[0]?.availability).toBe('up');
  });

  it('informs routers that stay of what counts as a step of the round trip from now on', () => {
    const steps: RouterEvent[] = [];
    const { set } = makeSet(BASE, (event) => void (event.kind === 'rtt-step' && steps.push(event)));
    set.applyPlacement('pilotnet', { kind: 'instance-set', instance: instance('i1') });
    set.observeRtt('n1', 20);
    set.observeRtt('n1', 28);
    expect(steps).toEqual([{ kind: 'rtt-step', nodeId: 'n1', fromMs: 20, toMs: 28 }]);
    set.reload(configFrom(`${BASE}[probe]\nchange_ratio = 0.9\n`));
    set.observeRtt('n1', 50);
    expect(steps).toHaveLength(1);
    set.reload(configFrom(BASE));
    set.observeRtt('n1', 51);
    expect(steps).toHaveLength(2);
  });
});
