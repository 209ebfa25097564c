// A small world to drive a service router in: instances by name, a clock that is a number, requests with given outcomes.

import { createServiceRouter } from '../../src/core/create-router.ts';
import {
  type Candidate,
  type DeviceLoad,
  type EndedRequest,
  type Evidence,
  type Instance,
  NO_HANDLE,
  type QosTarget,
  type RequestInfo,
} from '../../src/core/domain.ts';
import type { AttributeShare, Attributes } from '../../src/core/requirements/requirements.ts';
import { createRng } from '../../src/core/rng.ts';
import type { RouterEvent, ServiceRouter, ServiceRouterOptions } from '../../src/core/service-router.ts';

/** The paper's case. */
export const QOS: QosTarget = { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 };

/** A device that reports nothing. */
export const NO_LOAD: DeviceLoad = {
  cpuRatio: null,
  memoryRatio: null,
  temperatureC: null,
  throttled: null,
  power: null,
  batteryRatio: null,
};

/** Nothing in particular. */
export const NO_ATTRIBUTES: Attributes = { tls: false, tiers: null, hopsMax: null, labels: {}, accuracyMin: null };

/** Four in five by instances of at least 0.95. */
export const ACCURACY_SHARE: AttributeShare = { ...NO_ATTRIBUTES, name: 'accuracy', share: 0.8, accuracyMin: 0.95 };

export const REQUEST: RequestInfo = { clientId: 'camera-1', budgetMs: 80, tried: [] };

export function instance(nodeId: string, overrides: Partial<Instance> = {}): Instance {
  return {
    service: 'pilotnet',
    nodeId,
    id: 'a',
    scheme: 'http',
    host: '127.0.0.1',
    port: 9000,
    labels: {},
    profile: null,
    ...overrides,
  };
}

export interface World {
  readonly router: ServiceRouter;
  readonly events: RouterEvent[];
  nowMs: number;
  /** Makes time pass in steps of 10 ms, ticking what is due. */
  pass(ms: number): void;
  /** One request that ends at once in the given way, as a whole; returns where it went. */
  request(ending: (candidate: Candidate) => Ending): Candidate;
}

export interface Ending {
  readonly latencyMs: number;
  readonly result?: Evidence;
}

export function createWorld(
  policy: string,
  options: Partial<Omit<ServiceRouterOptions, 'policy'>> & {
    readonly policyOptions?: Readonly<Record<string, unknown>>;
    readonly seed?: number;
  } = {},
): World {
  const { policyOptions, seed, ...rest } = options;
  const events: RouterEvent[] = [];
  const nowMs = options.nowMs ?? 1000;
  const router = createServiceRouter({
    service: 'pilotnet',
    qos: QOS,
    policy: { name: policy, options: policyOptions ?? {} },
    localNodeId: 'node-0',
    rng: createRng(seed ?? 1),
    nowMs,
    onEvent: (event) => events.push(event),
    ...rest,
  });
  const world: World = {
    router,
    events,
    nowMs,
    pass: (ms) => {
      const endMs = world.nowMs + ms;
      while (world.nowMs < endMs) {
        world.nowMs = Math.min(endMs, world.nowMs + 10);
        if (router.nextTickMs <= world.nowMs) router.tick(world.nowMs);
      }
    },
    request: (ending) => {
      const candidate = router.route(REQUEST, world.nowMs);
      if (candidate === null) throw new Error('routed nowhere');
      const { latencyMs, result } = { result: 'answered' as const, ...ending(candidate) };
      const ticket = router.start(candidate, world.nowMs);
      const taken = router.finish(ticket, result, latencyMs, world.nowMs);
      const { handle } = candidate;
      const more = { latencyMs, handle, ...(taken === 'answered' ? {} : { ending: 'failed' as const }) };
      router.recordRequest(ended(REQUEST.clientId, latencyMs <= QOS.latencyMs, more), world.nowMs);
      return candidate;
    },
  };
  return world;
}

/** A request that ended in time, or late. */
export function ended(clientId: string, inTime: boolean, more: Partial<EndedRequest> = {}): EndedRequest {
  return { clientId, ending: inTime ? 'success' : 'late', latencyMs: 20, handle: NO_HANDLE, ...more };
}

/** Nodes `node-0` (local) … with one instance each, at the given round trips. */
export function populate(world: World, rttsMs: readonly number[]): void {
  rttsMs.forEach((rttMs, i) => {
    world.router.observeRtt(`node-${i}`, rttMs, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance(`node-${i}`) }, world.nowMs);
  });
}
