import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { type Broker, startBroker } from '../../../src/demo/broker.ts';
import { EmulatedCluster } from '../../../src/demo/emulated/cluster.ts';
import { ROAD } from '../../../src/demo/scenes/road.ts';
import { SCENES } from '../../../src/demo/scenes/scenes.ts';
import { playStory } from '../../../src/demo/story.ts';

let broker: Broker;
let continuum: EmulatedCluster;

const ids = (): readonly string[] => continuum.nodes.map(({ node }) => node.id);
const nodeOf = (id: string) => continuum.nodes.find(({ node }) => node.id === id);

beforeEach(async () => {
  broker = await startBroker(0);
  continuum = await EmulatedCluster.start({ scene: ROAD, brokerUrl: broker.url, rng: createRng(1) });
});

afterEach(async () => {
  vi.useRealTimers();
  await continuum.close();
  await broker.close();
});

describe('the continuum', () => {
  it('has five instances of the first service and two of the second at the start', () => {
    const count = (service: string): number => continuum.nodes.filter(({ instances }) => instances.has(service)).length;
    expect(ROAD.services.map(({ name }) => count(name))).toEqual([5, 2]);
    expect(ids()).toContain(ROAD.localNodeId);
  });

  it('is more than the far edge: its boards alone could not serve the default load, all nodes together can', () => {
    const perSecond = (tiers: readonly string[]): number =>
      ROAD.nodes
        .filter(({ tier, present }) => present && tiers.includes(tier))
        .flatMap(({ models }) => models.filter(({ services }) => services.includes('pilotnet')))
        .map(({ workMs }) => 1000 / workMs)
        .reduce((sum, rate) => sum + rate, 0);
    const loadPerSecond = 80;
    expect(perSecond(['far-edge'])).toBeLessThan(loadPerSecond);
    expect(perSecond(['far-edge', 'near-edge', 'cloud'])).toBeGreaterThan(2 * loadPerSecond);
  });

  it.each(SCENES)('is after one round of $name as it was before', async (scene) => {
    await continuum.close();
    continuum = await EmulatedCluster.start({ scene, brokerUrl: broker.url, rng: createRng(1) });
    let framesPerSecond = scene.framesPerSecond;
    const setFrameRate = (rate: number): void => {
      framesPerSecond = rate;
    };
    const state = () => ({
      ids: ids(),
      work: continuum.nodes.flatMap(({ instances }) => [...instances.values()].map(({ server }) => server.work.meanMs)),
      distances: continuum.nodes.map(({ link }) => link.oneWayMs),
      framesPerSecond,
    });
    const before = state();
    for (const { run } of scene.story) await run({ cluster: continuum, setFrameRate });
    expect(state()).toEqual(before);
  });

  it('slows down, moves away and loses nodes as it is asked', async () => {
    continuum.slowDown('agx-orin-1', 2);
    expect(nodeOf('agx-orin-1')?.instances.get('pilotnet')?.server.work.meanMs).toBe(40);
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
    const { story, roundMs } = ROAD;
    const cluster = { slowDown: vi.fn(), moveAway: vi.fn(), crash: vi.fn(), boot: vi.fn(), leave: vi.fn() };
    const levers = { cluster, setFrameRate: vi.fn() };
    const run = playStory({ scene: ROAD, levers, announce: (text) => shown.push(text), onError: failed });
    vi.advanceTimersByTime((story[0]?.atMs ?? 0) - 1);
    expect(shown).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(shown).toEqual([story[0]?.text]);
    vi.advanceTimersByTime(roundMs);
    expect(shown).toEqual([...story.map(({ text }) => text), story[0]?.text]);
    run.stop();
    vi.advanceTimersByTime(roundMs);
    expect(shown).toHaveLength(story.length + 1);
    expect(failed).not.toHaveBeenCalled();
  });
});
