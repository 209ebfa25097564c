// An admin port on a free loopback port over given router states.

import { onTestFinished } from 'vitest';
import { type Admin, createAdmin } from '../../src/admin/admin.ts';
import type { AdminOptions } from '../../src/admin/options.ts';
import type { ObservedService } from '../../src/admin/state/reader.ts';
import type { NodeFacts, QedgeEvent } from '../../src/admin/state/state.ts';
import type { RouterState, ServiceRouter } from '../../src/core/service-router.ts';
import { EventLog } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

export interface RunningAdmin {
  readonly admin: Admin;
  readonly url: string;
  readonly events: EventLog<QedgeEvent>;
}

/** A router that is always in one state. */
export function serviceOf(state: RouterState): ObservedService {
  return {
    service: state.service,
    candidates: [],
    state: () => state,
    overview: () => state,
    instances: () => state.instances,
    density: async () => null,
    previews: async () => [{ candidate: null, tier: 'policy', byChance: true }],
    setTap: () => {},
    reset: () => {},
    drain: () => {},
  };
}

/** A router that is the only one of its service. */
export function alone(router: ServiceRouter): ObservedService {
  return {
    service: router.service,
    get candidates() {
      return router.candidates;
    },
    state: (nowMs) => router.state(nowMs),
    overview: (nowMs) => router.overview(nowMs),
    instances: (nowMs) => router.instances(nowMs),
    density: async (key, gridMs, nowMs) => router.density(key, gridMs, nowMs),
    previews: async (request, nowMs) => [router.preview(request, nowMs)],
    setTap: (tap) => router.setTap(tap),
    reset: (nowMs) => router.reset(nowMs),
    drain: (key, on, nowMs) =>
      router.applyPlacement({ kind: 'instance-availability', key, availability: on ? 'draining' : 'up' }, nowMs),
  };
}

/** A node of which nothing changes. */
export const STILL_NODE: NodeFacts = {
  id: 'pi-7',
  tier: 'far-edge',
  address: null,
  labels: {},
  version: '1.2.3',
  commit: 'abc',
  listeners: [{ name: 'proxy', host: '127.0.0.1', port: 8080 }],
  configuration: { reloadedMs: null, problems: [], restartKeys: [] },
  broker: null,
  sources: [],
  store: null,
  probes: [],
  neighbourhood: null,
  troubles: [],
};

/** Closed when the test is over. */
export async function startAdmin(
  states: readonly RouterState[],
  changes: Partial<AdminOptions> = {},
): Promise<RunningAdmin> {
  const wallMsOf = (clockMs: number): number => performance.timeOrigin + clockMs;
  const events = changes.events ?? new EventLog<QedgeEvent>({ wallMsOf });
  const services = new Map(states.map((state) => [state.service, serviceOf(state)]));
  const admin = createAdmin({
    config: { listen: { host: '127.0.0.1', port: 0 }, token: null },
    services: () => services,
    chains: () => [],
    setPolicy: () => {},
    setLogLevel: () => {},
    node: () => STILL_NODE,
    lifecycle: () => ({ listening: true, placementSynced: true, draining: false, absentWorkers: [] }),
    metrics: createMetrics(),
    clock: { nowMs: () => performance.now() },
    wallMsOf,
    log: createLogger({ level: 'silent', nodeId: 'pi-7', destination: { write: () => {} } }),
    ...changes,
    events,
  });
  onTestFinished(() => admin.close());
  const { port } = await admin.listen();
  return { admin, url: `http://127.0.0.1:${port}`, events };
}
