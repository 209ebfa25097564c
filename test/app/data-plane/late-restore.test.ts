// What was learned waits for instances that are placed after the restart.

import { describe, expect, it } from 'vitest';
import { LateRestore } from '../../../src/app/data-plane/late-restore.ts';
import { createServiceRouter } from '../../../src/core/create-router.ts';
import { createRng } from '../../../src/core/rng.ts';
import type { RouterSnapshot, ServiceRouter } from '../../../src/core/service-router.ts';

function routerWith(nodes: readonly string[], policy: string): ServiceRouter {
  const router = createServiceRouter({
    service: 'pilotnet',
    qos: { latencyMs: 80, successRatio: 0.9, windowMs: 120_000 },
    policy: { name: policy, options: {} },
    localNodeId: 'n1',
    rng: createRng(1),
    nowMs: 0,
  });
  for (const node of nodes) place(router, node, 0);
  return router;
}

function place(router: ServiceRouter, nodeId: string, nowMs: number): void {
  const address = { id: 'a', scheme: 'http', host: '10.0.0.1', port: 9000 } as const;
  const instance = { service: 'pilotnet', nodeId, ...address, labels: {}, profile: null };
  router.applyPlacement({ kind: 'instance-set', instance }, nowMs);
}

/** Two nodes, 100 requests over 5 s, the second node slow. */
function learned(policy: string): RouterSnapshot {
  const router = routerWith(['n1', 'n2'], policy);
  for (let i = 0; i < 100; i++) {
    const nowMs = i * 50;
    while (router.nextTickMs <= nowMs) router.tick(nowMs);
    const candidate = router.route({ clientId: 'c', budgetMs: 80, tried: [] }, nowMs);
    if (candidate === null) continue;
    const latencyMs = candidate.key === 'n1/a' ? 20 : 200;
    router.finish(router.start(candidate, nowMs), 'answered', latencyMs, nowMs + latencyMs);
  }
  return router.snapshot(5000);
}

const samplesOf = (router: ServiceRouter, key: string, nowMs: number): number | undefined =>
  router.state(nowMs).instances.find((instance) => instance.key === key)?.samples;

describe.each(['qedgeproxy', 'qedge'])('late restore of %s', (policy) => {
  const snapshot = learned(policy);

  it('gives an instance what was kept of it when it arrives, and the others keep theirs', () => {
    const whole = routerWith(['n1', 'n2'], policy);
    whole.restore(snapshot, 500, 1000);
    const late = new LateRestore();
    const router = routerWith(['n1'], policy);
    late.restore(router, { snapshot, ageMs: 500 }, 1000);
    expect(samplesOf(router, 'n1/a', 1000)).toBe(samplesOf(whole, 'n1/a', 1000));
    place(router, 'n2', 1500);
    late.arrived(router, 'n2/a', 1500);
    expect(samplesOf(router, 'n2/a', 1500)).toBe(samplesOf(whole, 'n2/a', 1500));
    expect(samplesOf(router, 'n1/a', 1500)).toBe(samplesOf(whole, 'n1/a', 1500));
    expect(samplesOf(router, 'n2/a', 1500)).toBeGreaterThan(0);
  });

  it('gives it once: an instance that left and came back begins again', () => {
    const late = new LateRestore();
    const router = routerWith(['n1'], policy);
    late.restore(router, { snapshot, ageMs: 0 }, 0);
    place(router, 'n2', 100);
    late.arrived(router, 'n2/a', 100);
    router.applyPlacement({ kind: 'instance-removed', key: 'n2/a' }, 200);
    place(router, 'n2', 300);
    late.arrived(router, 'n2/a', 300);
    expect(samplesOf(router, 'n2/a', 300)).toBe(0);
  });

  it('waits for a minute', () => {
    const late = new LateRestore();
    const router = routerWith(['n1'], policy);
    late.restore(router, { snapshot, ageMs: 0 }, 0);
    place(router, 'n2', 60_001);
    late.arrived(router, 'n2/a', 60_001);
    expect(samplesOf(router, 'n2/a', 60_001)).toBe(0);
  });
});
