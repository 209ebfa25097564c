// What being seen costs: CPU of one look at a service (the live feed takes one a second while a page watches, the history
// one every two seconds always), by the number of instances and clients. Run by hand: node test/bench/admin.ts

import '../support/bench-help.ts';
import { History } from '../../src/admin/state/history.ts';
import { createServiceRouter } from '../../src/core/create-router.ts';
import { createRng } from '../../src/core/rng.ts';
import type { ServiceRouter } from '../../src/core/service-router.ts';

const LOOKS = 300;
const WINDOW_MS = 10_000;
const REQUESTS_PER_INSTANCE = 40;

interface Load {
  readonly instances: number;
  readonly clients: number;
}

for (const load of [
  { instances: 10, clients: 30 },
  { instances: 100, clients: 1_000 },
]) {
  const router = routerUnder(load);
  const state = router.state(WINDOW_MS);
  const history = new History();
  console.log(
    `${load.instances} instances, ${load.clients} clients:`,
    `state ${cpuUs(() => router.state(WINDOW_MS))} µs,`,
    `JSON ${cpuUs(() => JSON.stringify(state))} µs (${(JSON.stringify(state).length / 1024).toFixed(1)} KiB),`,
    `history ${cpuUs((i) => Array.from(history.sample([{ overview: state, instances: state.instances }], i * 2_000)))} µs`,
  );
}

function routerUnder({ instances, clients }: Load): ServiceRouter {
  const router = createServiceRouter({
    service: 'pilotnet',
    qos: { latencyMs: 80, successRatio: 0.9, windowMs: WINDOW_MS },
    policy: { name: 'qedge', options: {} },
    localNodeId: 'node-0',
    rng: createRng(1),
    nowMs: 0,
  });
  for (let i = 0; i < instances; i++) {
    const nodeId = `node-${i}`;
    router.observeRtt(nodeId, 1 + i / 4, 0);
    const address = { id: 'a', scheme: 'http', host: '127.0.0.1', port: 9000, labels: {}, profile: null } as const;
    router.applyPlacement({ kind: 'instance-set', instance: { service: 'pilotnet', nodeId, ...address } }, 0);
  }
  const requests = REQUESTS_PER_INSTANCE * instances;
  for (let i = 0; i < requests; i++) {
    const nowMs = ((i + 1) * WINDOW_MS) / requests;
    const clientId = `client-${i % clients}`;
    if (router.nextTickMs <= nowMs) router.tick(nowMs);
    const candidate = router.route({ clientId, budgetMs: 80, tried: [] }, nowMs);
    if (candidate === null) throw new Error('routed nowhere');
    router.finish(router.start(candidate, nowMs), 'answered', 30, nowMs);
    router.recordRequest({ clientId, ending: 'success', latencyMs: 30, handle: candidate.handle }, nowMs);
  }
  return router;
}

/** Mean CPU time of a call, whole µs. */
function cpuUs(look: (i: number) => unknown): string {
  for (let i = 0; i < LOOKS; i++) look(i);
  const before = process.cpuUsage();
  for (let i = 0; i < LOOKS; i++) look(LOOKS + i);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / LOOKS).toFixed(0);
}
