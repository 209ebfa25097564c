// Two routers of one service, of which one sees much and the other nothing yet.

import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../src/core/domain.ts';
import { createWorld, instance, type World } from '../support.ts';

const SLOW = 'node-2/a';

function worldWith(neighbours?: { use: boolean; samplesMax: number }): World {
  const world = createWorld('qedge', neighbours === undefined ? {} : { neighbours });
  for (const node of ['node-1', 'node-2', 'node-3']) {
    world.router.applyPlacement({ kind: 'instance-set', instance: instance(node) }, world.nowMs);
    world.router.observeRtt(node, 5, world.nowMs);
  }
  return world;
}

const ending = ({ key }: Candidate) => ({ latencyMs: key === SLOW ? 200 : 20 });

/** Two seconds of thirty requests each; what it has to say of them. */
function learned(world: World) {
  for (let i = 0; i < 60; i++) {
    world.request(ending);
    world.pass(33);
  }
  const said = world.router.neighbours?.summarize(world.nowMs);
  if (said === null || said === undefined) throw new Error('nothing was said');
  return said;
}

function beliefOf({ router, nowMs }: World): number | null {
  return [...router.instances(nowMs)].find(({ key }) => key === SLOW)?.successProbability ?? null;
}

describe('a router among neighbours', () => {
  it('knows of a slow instance from them before it has a sample of its own', () => {
    const said = learned(worldWith({ use: true, samplesMax: 20 }));
    const [fresh, alone, watching] = [
      worldWith({ use: true, samplesMax: 20 }),
      worldWith(),
      worldWith({ use: false, samplesMax: 20 }),
    ];
    for (const world of [fresh, alone, watching]) {
      for (const node of ['a', 'b', 'c', 'd']) world.router.neighbours?.hear(node, said, world.nowMs);
      world.pass(600);
    }
    expect(beliefOf(fresh)).toBeLessThan(0.75 * (beliefOf(alone) ?? 0));
    expect(beliefOf(watching)).toBe(beliefOf(alone));
    const noteOf = ({ router, nowMs }: World) => [...router.instances(nowMs)].find(({ key }) => key === SLOW)?.note;
    expect(noteOf(fresh)).toBe('judged by what neighbours saw: no samples');
    expect(noteOf(watching)).toBe('judged by its round trip: no samples');
  });

  it('begins with shares by what they saw, which those of one that began earlier do not follow', () => {
    const said = learned(worldWith({ use: true, samplesMax: 20 }));
    const [fresh, alone, earlier] = [
      worldWith({ use: true, samplesMax: 20 }),
      worldWith(),
      worldWith({ use: true, samplesMax: 20 }),
    ];
    earlier.pass(2_600);
    const shareOf = ({ router, nowMs }: World) =>
      [...router.instances(nowMs)].find(({ key }) => key === SLOW)?.weight ?? Number.NaN;
    for (const world of [fresh, alone, earlier]) {
      for (const node of ['a', 'b', 'c', 'd']) world.router.neighbours?.hear(node, said, world.nowMs);
      world.pass(600);
    }
    expect(shareOf(alone)).toBeCloseTo(1 / 3);
    expect(shareOf(fresh)).toBeLessThan(0.1 * shareOf(alone));
    expect(shareOf(earlier)).toBeGreaterThan(0.5 * shareOf(alone));
    // What is said again is not counted again.
    const before = shareOf(fresh);
    for (const node of ['a', 'b', 'c', 'd']) fresh.router.neighbours?.hear(node, said, fresh.nowMs);
    fresh.pass(600);
    expect(shareOf(fresh)).toBeGreaterThan(0.3 * before);
  });

  it('keeps its first shares while round trips become known, before its first request', () => {
    const said = learned(worldWith({ use: true, samplesMax: 20 }));
    const fresh = worldWith({ use: true, samplesMax: 20 });
    const say = (): void => {
      for (const node of ['a', 'b', 'c', 'd']) fresh.router.neighbours?.hear(node, said, fresh.nowMs);
      fresh.pass(2_600);
    };
    const shareOf = () => [...fresh.router.instances(fresh.nowMs)].find(({ key }) => key === SLOW)?.weight;
    say();
    expect(shareOf()).toBeLessThan(0.05);
    fresh.router.observeRtt('node-1', 12, fresh.nowMs);
    say();
    expect(shareOf()).toBeLessThan(0.05);
  });

  it('sends less at once to one that joins where a neighbour has had a late answer, and more again once others had quick ones', () => {
    const worlds = [0, 1, 2].map(() => worldWith({ use: true, samplesMax: 20 }));
    const shareOf = ({ router, nowMs }: World, key: string) =>
      [...router.instances(nowMs)].find((one) => one.key === key)?.weight ?? Number.NaN;
    for (const world of worlds) {
      for (let i = 0; i < 100; i++) {
        world.request(() => ({ latencyMs: 20 }));
        world.pass(50);
      }
      world.router.applyPlacement({ kind: 'instance-set', instance: instance('node-4') }, world.nowMs);
      world.router.observeRtt('node-4', 5, world.nowMs);
    }
    const [newcomer, known, alone] = worlds as [World, World, World];
    const says = (world: World, [node, key]: readonly [string, string], bucket: number, times: number): void => {
      const counts = Array.from({ length: 24 }, (_, b) => (b === bucket ? times : 0));
      const instances = [{ key, counts, failures: 0, perSecond: 1, inFlight: 0 }];
      world.router.neighbours?.hear(node, { spanMs: 500, instances }, world.nowMs);
    };
    says(newcomer, ['a', 'node-4/a'], 15, 1);
    says(known, ['a', 'node-1/a'], 15, 1);
    for (const world of worlds) world.pass(500);
    expect(shareOf(newcomer, 'node-4/a')).toBeLessThan(0.5 * shareOf(alone, 'node-4/a'));
    expect(shareOf(known, 'node-1/a')).toBeGreaterThan(0.8 * shareOf(alone, 'node-1/a'));
    const before = shareOf(newcomer, 'node-4/a');
    for (const node of ['b', 'c', 'd', 'e']) says(newcomer, [node, 'node-4/a'], 9, 20);
    newcomer.pass(500);
    expect(shareOf(newcomer, 'node-4/a')).toBeGreaterThan(1.5 * before);
  });

  it('gives one that joins its share back when the neighbour that spoke against it is believed no more', () => {
    const world = worldWith({ use: true, samplesMax: 20 });
    const pass = (times: number): void => {
      for (let i = 0; i < times; i++) {
        world.request(() => ({ latencyMs: 20 }));
        world.pass(50);
      }
      world.router.neighbours?.summarize(world.nowMs);
    };
    pass(100);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance('node-4') }, world.nowMs);
    world.router.observeRtt('node-4', 5, world.nowMs);
    const share = (): number =>
      [...world.router.instances(world.nowMs)].find(({ key }) => key === 'node-4/a')?.weight ?? Number.NaN;
    const before = share();
    const counts = Array.from({ length: 24 }, (_, b) => (b === 15 ? 30 : 0));
    const lie = ['node-4/a', 'node-1/a'].map((key) => ({ key, counts, failures: 0, perSecond: 1, inFlight: 0 }));
    world.router.neighbours?.hear('liar', { spanMs: 500, instances: lie }, world.nowMs);
    pass(12);
    expect(share()).toBeLessThan(0.3 * before);
    world.router.neighbours?.hear('liar', { spanMs: 500, instances: lie }, world.nowMs);
    pass(12);
    expect(world.router.state(world.nowMs).neighbours?.heard).toMatchObject([{ wrongOver: 'node-1/a' }]);
    expect(share()).toBeGreaterThan(0.6 * before);
  });

  it('does not begin with what no neighbour speaks of', () => {
    const fresh = worldWith({ use: true, samplesMax: 20 });
    // Of the two that are used one answer in five is late; the third is avoided.
    const counts = Array.from({ length: 24 }, (_, b) => (b === 9 ? 8 : b === 15 ? 2 : 0));
    const used = ['node-1/a', 'node-3/a'].map((key) => ({ key, counts, failures: 0, perSecond: 5, inFlight: 0 }));
    for (const node of ['a', 'b', 'c', 'd'])
      fresh.router.neighbours?.hear(node, { spanMs: 2_000, instances: used }, fresh.nowMs);
    fresh.pass(600);
    for (const { weight } of fresh.router.instances(fresh.nowMs)) expect(weight).toBeCloseTo(1 / 3, 1);
  });

  it('keeps what it learned itself, no matter what they do', () => {
    const said = learned(worldWith({ use: true, samplesMax: 20 }));
    const [heard, alone] = [worldWith({ use: true, samplesMax: 20 }), worldWith({ use: true, samplesMax: 20 })];
    for (const world of [heard, alone]) {
      for (let i = 0; i < 400; i++) {
        world.request(() => ({ latencyMs: 20 }));
        world.pass(10);
      }
    }
    heard.router.neighbours?.hear('a', said, heard.nowMs);
    for (const world of [heard, alone]) world.pass(600);
    const shareOf = ({ router, nowMs }: World) =>
      [...router.instances(nowMs)].find(({ key }) => key === SLOW)?.weight ?? Number.NaN;
    expect(shareOf(heard)).toBeGreaterThan(0.8 * shareOf(alone));
  });

  it('says what an instance takes, the way there left out', () => {
    const { instances } = learned(worldWith({ use: true, samplesMax: 20 }));
    const quick = instances.find(({ key }) => key !== SLOW);
    // 15 of 20 ms: 5 ms are the way.
    expect(quick?.counts.findIndex((count) => count > 0)).toBe(8);
  });

  it('says what is seen on its own node, and where the way there is configured, before either is measured', () => {
    const world = createWorld('round-robin', { neighbours: { use: true, samplesMax: 20 } });
    for (const one of [instance('node-0'), instance('given', { rttMs: 5 }), instance('guessed')])
      world.router.applyPlacement({ kind: 'instance-set', instance: one }, world.nowMs);
    for (let i = 0; i < 6; i++) world.request(() => ({ latencyMs: 20 }));
    world.pass(2_000);
    const keysSaid = () =>
      world.router.neighbours
        ?.summarize(world.nowMs)
        ?.instances.map(({ key }) => key)
        .sort();
    expect(keysSaid()).toEqual(['given/a', 'node-0/a']);
    for (let i = 0; i < 6; i++) world.request(() => ({ latencyMs: 20, result: 'refused' }));
    world.pass(2_000);
    // A failure is one however far away.
    expect(keysSaid()).toEqual(['given/a', 'guessed/a', 'node-0/a']);
  });

  it('decides as it does alone while what it hears is only observed', () => {
    const said = learned(worldWith({ use: true, samplesMax: 20 }));
    const worlds = [worldWith({ use: false, samplesMax: 20 }), worldWith(), worldWith({ use: true, samplesMax: 20 })];
    const [observed, alone, used] = worlds.map((world) =>
      Array.from({ length: 400 }, (_, i) => {
        if (i % 50 === 0) for (const node of ['a', 'b', 'c']) world.router.neighbours?.hear(node, said, world.nowMs);
        const { key } = world.request(ending);
        world.pass(40);
        return key;
      }),
    );
    expect(observed).toEqual(alone);
    expect(used).not.toEqual(alone);
    expect(worlds[0]?.router.state(0).neighbours).toMatchObject({ use: false, heard: { length: 3 } });
    expect(worlds[1]?.router.state(0).neighbours).toBeNull();
  });

  it('decides as it does alone while it hears of nothing', () => {
    const [with_, without] = [worldWith({ use: true, samplesMax: 20 }), worldWith()];
    const picks = [with_, without].map((world) =>
      Array.from({ length: 400 }, () => {
        const { key } = world.request(ending);
        world.pass(20);
        return key;
      }),
    );
    expect(picks[0]).toEqual(picks[1]);
    expect(without.router.neighbours).toBeNull();
  });

  it('lets no cooldown come of what they say', () => {
    const world = worldWith({ use: true, samplesMax: 20 });
    const counts = Array.from({ length: 24 }, () => 0);
    const failing = { key: 'node-1/a', counts, failures: 50, perSecond: 25, inFlight: 0 };
    for (const node of ['a', 'b', 'c', 'd']) {
      world.router.neighbours?.hear(node, { spanMs: 2_000, instances: [failing] }, world.nowMs);
    }
    world.pass(600);
    const state = [...world.router.instances(world.nowMs)].find(({ key }) => key === 'node-1/a');
    expect(state?.cooldownMs).toBe(0);
    expect(state?.successProbability).toBeLessThan(0.3);
    expect(world.events.filter(({ kind }) => kind === 'ejected' || kind === 'panic')).toEqual([]);
  });
});
