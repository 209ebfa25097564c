import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import { createWorld, instance, REQUEST, type World } from '../../support.ts';

/** Accuracy and time as on devices for object detection: simple frames are easy for all, crowded ones for the large model alone. */
const PROFILES = {
  small: { accuracy: [78, 74, 60, 40, 25], energy_mwh: 0.1, inference_ms: 10 },
  large: { accuracy: [80, 79, 79, 79, 79], energy_mwh: 0.3, inference_ms: 30 },
} as const;

function worldOf(
  policy: string,
  profiles: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>,
  policyOptions: Readonly<Record<string, unknown>> = {},
): World {
  const world = createWorld(policy, { policyOptions });
  for (const [nodeId, profile] of Object.entries(profiles)) {
    world.router.observeRtt(nodeId, 1, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance(nodeId, { profile }) }, world.nowMs);
  }
  return world;
}

const routed = ({ router, nowMs }: World): string | undefined => router.route(REQUEST, nowMs)?.instance.nodeId;

function at({ router }: World, nodeId: string): Candidate {
  const found = router.candidates.find((candidate) => candidate.instance.nodeId === nodeId);
  if (found === undefined) throw new Error(`no instance on ${nodeId}`);
  return found;
}

describe('multi-objective', () => {
  it('takes the sparing instance where it is accurate enough, and the accurate one where only that is', () => {
    const world = worldOf('multi-objective', PROFILES);
    const byGroup = [0, 1, 2, 3, 4].map((group) => {
      world.router.observeGroup(REQUEST.clientId, group);
      return routed(world);
    });
    expect(byGroup).toEqual(['small', 'small', 'large', 'large', 'large']);
  });

  it('takes a client that has had no answer for one of group 0', () => {
    const world = worldOf('multi-objective', PROFILES);
    world.router.observeGroup('another', 4);
    expect(routed(world)).toBe('small');
  });

  it('gives up as much accuracy as delta allows', () => {
    for (const [delta, node] of [
      [18, 'large'],
      [19, 'small'],
    ] as const) {
      const world = worldOf('multi-objective', PROFILES, { delta });
      world.router.observeGroup(REQUEST.clientId, 2);
      expect(routed(world)).toBe(node);
    }
  });

  it('weighs latency against energy by gamma, with L = T · (queue + 1) normalised', () => {
    const profiles = {
      quick: { accuracy: 70, energy_mwh: 0.3, inference_ms: 10 },
      sparing: { accuracy: 70, energy_mwh: 0.1, inference_ms: 20 },
    };
    expect(routed(worldOf('multi-objective', profiles, { gamma: 0.6 }))).toBe('quick');
    expect(routed(worldOf('multi-objective', profiles, { gamma: 0.4 }))).toBe('sparing');
    const world = worldOf('multi-objective', profiles, { gamma: 1, adapt: false });
    world.router.start(at(world, 'quick'), world.nowMs);
    world.router.start(at(world, 'quick'), world.nowMs);
    expect(routed(world)).toBe('sparing');
  });

  it('leaves an instance that is slower than its profile, unless it is to trust the profiles', () => {
    const profiles = {
      throttled: { accuracy: 70, energy_mwh: 0.1, inference_ms: 10 },
      honest: { accuracy: 70, energy_mwh: 0.1, inference_ms: 20 },
    };
    for (const [adapt, node] of [
      [true, 'honest'],
      [false, 'throttled'],
    ] as const) {
      const world = worldOf('multi-objective', profiles, { adapt });
      for (let i = 0; i < 20; i++)
        world.request((candidate) => ({ latencyMs: candidate.instance.nodeId === 'throttled' ? 41 : 21 }));
      expect(routed(world)).toBe(node);
    }
  });

  it('tries an instance again that was slow once', () => {
    const world = worldOf('multi-objective', {
      once: { accuracy: 70, energy_mwh: 0.1, inference_ms: 10 },
      other: { accuracy: 70, energy_mwh: 0.1, inference_ms: 20 },
    });
    for (let i = 0; i < 10; i++) world.request(() => ({ latencyMs: 60 }));
    world.pass(200_000);
    expect(routed(world)).toBe('once');
  });

  it('goes by the limit before it goes by accuracy', () => {
    const world = worldOf('multi-objective', {
      accurate: { accuracy: 90, energy_mwh: 0.1, inference_ms: 200 },
      inTime: { accuracy: 50, energy_mwh: 0.1, inference_ms: 20 },
    });
    expect(routed(world)).toBe('inTime');
  });

  it('routes by what it measures where nothing is profiled', () => {
    const world = worldOf('multi-objective', { slow: null, quick: null }, { gamma: 1 });
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      seen.add(
        world.request(({ instance: { nodeId } }) => ({ latencyMs: nodeId === 'slow' ? 50 : 10 })).instance.nodeId,
      );
    }
    expect([...seen].sort()).toEqual(['quick', 'slow']);
    expect(routed(world)).toBe('quick');
  });

  it('takes another profile of the same instance', () => {
    const world = worldOf('multi-objective', PROFILES);
    const better = instance('large', { profile: { ...PROFILES.large, energy_mwh: 0.01, inference_ms: 1 } });
    world.router.applyPlacement({ kind: 'instance-set', instance: better }, world.nowMs);
    expect(routed(world)).toBe('large');
  });

  it('keeps what it measured over a restart', () => {
    const world = worldOf('multi-objective', PROFILES);
    for (let i = 0; i < 20; i++) world.request(() => ({ latencyMs: 70 }));
    const again = worldOf('multi-objective', PROFILES);
    again.router.restore(world.router.snapshot(world.nowMs), 0, again.nowMs);
    const measured = ({ router, nowMs }: World): unknown =>
      router.state(nowMs).instances.map(({ processingMs }) => processingMs);
    expect(measured(again)).toEqual(measured(world));
  });
});

describe('the baselines', () => {
  it('look at one thing each', () => {
    const profiles = {
      sparing: { accuracy: [10, 90], energy_mwh: 0.1, inference_ms: 50 },
      quick: { accuracy: 40, energy_mwh: 0.2, inference_ms: 10 },
      accurate: { accuracy: 60, energy_mwh: 0.3, inference_ms: 90 },
      silent: null,
    };
    expect(routed(worldOf('lowest-energy', profiles))).toBe('sparing');
    expect(routed(worldOf('highest-accuracy', profiles))).toBe('accurate');
    const world = worldOf('lowest-time', profiles);
    for (const nodeId of Object.keys(profiles)) world.router.start(at(world, nodeId), world.nowMs);
    expect(routed(world)).toBe('quick');
  });
});
