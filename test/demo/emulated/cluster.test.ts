import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { type Broker, startBroker } from '../../../src/demo/broker.ts';
import { EmulatedCluster } from '../../../src/demo/emulated/cluster.ts';
import { LOCAL_NODE_ID, NODES, SERVICES } from '../../../src/demo/emulated/topology.ts';
import { playStory, ROUND_MS, STORY } from '../../../src/demo/story.ts';

let broker: Broker;
let continuum: EmulatedCluster;

const ids = (): readonly string[] => continuum.nodes.map(({ node }) => node.id);
const nodeOf = (id: string) => continuum.nodes.find(({ node }) => node.id === id);

beforeEach(async () => {
  broker = await startBroker(0);
  continuum = await EmulatedCluster.start({ brokerUrl: broker.url, rng: createRng(1) });
});

afterEach(async () => {
  vi.useRealTimers();
  await continuum.close();
  await broker.close();
});

describe('the continuum', () => {
  it('has five instances of the first service and two of the second at the start', () => {
    const count = (service: string): number => continuum.nodes.filter(({ instances }) => instances.has(service)).length;
    expect(SERVICES.map(({ name }) => count(name))).toEqual([5, 2]);
    expect(ids()).toContain(LOCAL_NODE_ID);
  });

  it('is more than the far edge: its boards alone could not serve the default load, all nodes together can', () => {
    const perSecond = (tiers: readonly string[]): number =>
      NODES.filter(({ tier, present }) => present && tiers.includes(tier))
        .map(({ workMs }) => 1000 / (workMs.pilotnet ?? Number.POSITIVE_INFINITY))
        .reduce((sum, rate) => sum + rate, 0);
    const loadPerSecond = 80;
    expect(perSecond(['far-edge'])).toBeLessThan(loadPerSecond);
    expect(perSecond(['far-edge', 'near-edge', 'cloud'])).toBeGreaterThan(2 * loadPerSecond);
  });

  it('is after one round of the story as it was before', async () => {
    const work = () =>
      continuum.nodes.flatMap(({ instances }) => [...instances.values()].map((one) => one.work.meanMs));
    const distances = () => continuum.nodes.map(({ link }) => link.oneWayMs);
    const before = { ids: ids(), work: work(), distances: distances() };
    for (const { run } of STORY) await run(continuum);
    expect({ ids: ids(), work: work(), distances: distances() }).toEqual(before);
  });

  it('slows down, moves away and loses nodes as it is asked', async () => {
    continuum.slowDown('agx-orin-1', 2);
    expect(nodeOf('agx-orin-1')?.instances.get('pilotnet')?.work.meanMs).toBe(40);
    continuum.moveAway('a100-east', 10);
    expect(nodeOf('a100-east')?.link.oneWayMs).toBe(26);
    await continuum.crash('orin-nano-2');
    expect(ids()).not.toContain('orin-nano-2');
    await continuum.boot('orin-nano-2');
    expect(ids()).toContain('orin-nano-2');
  });
});

describe('the story', () => {
  it('reports each happening at its time, round after round, until it is stopped', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const shown: string[] = [];
    const failed = vi.fn();
    const idle = { slowDown: vi.fn(), moveAway: vi.fn(), crash: vi.fn(), boot: vi.fn(), leave: vi.fn() };
    const story = playStory(idle as unknown as EmulatedCluster, (text) => shown.push(text), failed);
    vi.advanceTimersByTime((STORY[0]?.atMs ?? 0) - 1);
    expect(shown).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(shown).toEqual([STORY[0]?.text]);
    vi.advanceTimersByTime(ROUND_MS);
    expect(shown).toEqual([...STORY.map(({ text }) => text), STORY[0]?.text]);
    story.stop();
    vi.advanceTimersByTime(ROUND_MS);
    expect(shown).toHaveLength(STORY.length + 1);
    expect(failed).not.toHaveBeenCalled();
  });
});
