import { afterEach, describe, expect, it } from 'vitest';
import type { TraceHeader, TraceLine } from '../../src/core/trace.ts';
import { createWorld, instance, populate, type World } from '../core/support.ts';
import { type RunningAdmin, startAdmin } from '../support/admin.ts';

let running: RunningAdmin | null = null;

afterEach(async () => {
  await running?.admin.close();
  running = null;
});

async function start(world: World): Promise<string> {
  const services = new Map([['pilotnet', world.router]]);
  running = await startAdmin([], { services: () => services, clock: { nowMs: () => world.nowMs } });
  return `${running.url}/api/v1/services/pilotnet/trace`;
}

describe('a trace', () => {
  it('tells who is there and every try with its share, its latency and its end', async () => {
    const world = createWorld('round-robin');
    populate(world, [1, 10]);
    const url = await start(world);
    const answer = await fetch(`${url}?durationMs=400`);
    for (let i = 0; i < 4; i++) world.request(() => ({ latencyMs: 30, result: i === 3 ? 'refused' : 'answered' }));
    world.router.applyPlacement({ kind: 'instance-set', instance: instance('late') }, world.nowMs);
    for (let i = 0; i < 3; i++) world.request(() => ({ latencyMs: 30 }));
    const lines = (await answer.text()).trimEnd().split('\n');
    const [header, ...rest] = lines.map((line) => JSON.parse(line) as TraceHeader | TraceLine);
    expect(header).toMatchObject({ kind: 'header', version: 1, service: 'pilotnet', policy: 'round-robin' });
    const placed = rest.filter((line) => line.kind === 'instance');
    expect(placed.map((line) => [line.instance.nodeId, line.rttMs])).toEqual([
      ['node-0', 1],
      ['node-1', 10],
      ['late', null],
    ]);
    const tries = rest.filter((line) => line.kind === 'try');
    expect(tries).toHaveLength(7);
    expect(tries[0]).toMatchObject({ weight: 0.5, latencyMs: 30, result: 'answered' });
    expect(tries[3]).toMatchObject({ result: 'refused' });
    expect(tries[6]?.weight).toBeCloseTo(1 / 3, 5);
  });

  it('is recorded once at a time, and not for ever', async () => {
    const world = createWorld('qedge');
    populate(world, [1]);
    const url = await start(world);
    const first = await fetch(`${url}?durationMs=200`);
    expect((await fetch(`${url}?durationMs=200`)).status).toBe(409);
    await first.text();
    expect((await fetch(`${url}?durationMs=1`)).status).toBe(200);
    expect((await fetch(`${url}?durationMs=999999999`)).status).toBe(400);
  });

  it('ends with whoever asked for it', async () => {
    const world = createWorld('qedge');
    populate(world, [1]);
    const url = await start(world);
    const gone = new AbortController();
    await fetch(`${url}?durationMs=600000`, { signal: gone.signal });
    gone.abort();
    const again = async (): Promise<number> => {
      const answer = await fetch(`${url}?durationMs=1`);
      await answer.text();
      return answer.status;
    };
    await expect.poll(again, { timeout: 10_000 }).toBe(200);
  });
});
