// A service that refuses what no instance could answer in time, so that a device can fall back on its own model at once.

import { describe, expect, it } from 'vitest';
import type { InstanceState, ServiceRouter } from '../../../../src/core/service-router.ts';
import { DeadlineFeasibility } from '../../../../src/proxy/exchange/arrival/deadline-feasibility.ts';
import { serviceOf, startInstance, startProxy } from '../../../support/proxy.ts';
import { instanceStateOf } from '../../../support/router-state.ts';

const HEADERS = { 'X-QEdge-Service': 'pilotnet' };

describe('a service that refuses what is out of reach', () => {
  it('answers 503 at once when even the way there takes too long', async () => {
    const instance = await startInstance((_, response) => response.end('ok'));
    const { proxy, url } = await startProxy([]);
    const service = serviceOf({ name: 'pilotnet', ports: [instance.port], infeasible: 'refuse' });
    service.router.observeRtt('n1', 40, performance.now());
    await proxy.applyServices([service]);
    const ask = async (deadlineMs: number): Promise<string | null> => {
      const answer = await fetch(url, { headers: { ...HEADERS, 'X-QEdge-Deadline-Ms': String(deadlineMs) } });
      await answer.text();
      return answer.headers.get('x-qedge-error');
    };
    expect(await ask(500)).toBeNull();
    // One in a second is tried all the same.
    await ask(10);
    expect(await ask(10)).toBe('deadline-unreachable');
    expect(await ask(500)).toBeNull();
  });

  it('tries by default, at any chance', async () => {
    const instance = await startInstance((_, response) => response.end('ok'));
    const { proxy, url } = await startProxy([]);
    const service = serviceOf({ name: 'pilotnet', ports: [instance.port] });
    service.router.observeRtt('n1', 400, performance.now());
    await proxy.applyServices([service]);
    for (let i = 0; i < 3; i++) {
      const answer = await fetch(url, { headers: { ...HEADERS, 'X-QEdge-Deadline-Ms': '300' } });
      expect(answer.status).toBe(200);
    }
  });
});

describe('what is within reach', () => {
  function reachOf(...instances: readonly InstanceState[]): DeadlineFeasibility {
    return new DeadlineFeasibility({ instances: () => instances } as unknown as ServiceRouter);
  }

  it('counts the way there and half of what an answer takes on average', () => {
    const reach = reachOf(instanceStateOf('n1', { rttMs: 20, processingMs: 40 }));
    expect(reach.within(40, 0)).toBe(true);
    reach.within(39, 0);
    expect(reach.within(39, 0)).toBe(false);
  });

  it('is what the best instance that takes traffic can do', () => {
    const reach = reachOf(
      instanceStateOf('n1', { rttMs: 20, processingMs: null }),
      instanceStateOf('n2', { rttMs: 1, processingMs: 1, availability: 'suspect' }),
    );
    expect(reach.within(20, 0)).toBe(true);
    reach.within(10, 0);
    expect(reach.within(10, 0)).toBe(false);
  });

  it('lets one request a second through to learn', () => {
    const reach = reachOf(instanceStateOf('n1', { rttMs: 100, processingMs: null }));
    const through = [0, 10, 500, 999, 1000, 1500, 2001].map((nowMs) => reach.within(50, nowMs));
    expect(through).toEqual([true, false, false, false, true, false, true]);
  });

  it('is everything for a service without instances: that is another error', () => {
    expect(reachOf().within(0, 0)).toBe(true);
  });
});
