// Several requirements at once, at the router: which instance is offered a request, what is accounted, and what gives way to what.

import { describe, expect, it } from 'vitest';
import type { Instance } from '../../src/core/domain.ts';
import { POLICY_NAMES } from '../../src/core/policies/registry.ts';
import { NO_REQUIREMENTS, type Requirements } from '../../src/core/requirements/requirements.ts';
import { ACCURACY_SHARE, createWorld, ended, instance, NO_ATTRIBUTES, REQUEST, type World } from './support.ts';

const accuracy = (share: number): Requirements => ({
  ...NO_REQUIREMENTS,
  shares: [{ ...ACCURACY_SHARE, share }],
});

const accurate: Partial<Instance> = { profile: { accuracy: 0.98, energy_mwh: 0.3 } };
const quick: Partial<Instance> = { profile: { accuracy: 0.8, energy_mwh: 0.1 } };

/** Nodes `node-0` … in this order. */
function place(world: World, instances: readonly Partial<Instance>[]): void {
  for (const [i, more] of instances.entries()) {
    world.router.observeRtt(`node-${i}`, 5, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance(`node-${i}`, more) }, world.nowMs);
  }
}

const keysOf = (world: World, requests: number, stepMs = 50): string[] =>
  Array.from({ length: requests }, () => {
    const { key } = world.request(() => ({ latencyMs: 20 }));
    world.pass(stepMs);
    return key;
  });

describe('security', () => {
  const security: Requirements = { ...NO_REQUIREMENTS, security: { ...NO_ATTRIBUTES, tls: true, hopsMax: 1 } };

  it.each(POLICY_NAMES)('keeps every request of %s at the instances that have what it demands', (policy) => {
    const world = createWorld(policy, { requirements: security });
    place(world, [{}, { scheme: 'https' }, { scheme: 'https', labels: { hops: '2' } }]);
    expect(new Set(keysOf(world, 40))).toEqual(new Set(['node-1/a']));
  });

  it('bars an instance that loses what is demanded, and says so', () => {
    const world = createWorld('qedge', {
      requirements: { ...NO_REQUIREMENTS, security: { ...NO_ATTRIBUTES, tiers: ['cloud'] } },
    });
    place(world, [{ tier: 'cloud' }]);
    expect(world.router.route(REQUEST, world.nowMs)?.key).toBe('node-0/a');
    place(world, [{ tier: 'far-edge' }]);
    expect(world.router.route(REQUEST, world.nowMs)).toBeNull();
    expect(world.router.lastTier).toBe('barred');
    const { requirements, instances } = world.router.state(world.nowMs);
    expect(requirements[0]).toMatchObject({ requirement: 'security', clientsRatio: 0 });
    expect(instances[0]).toMatchObject({ pool: 'out', lacks: ['tiers'], serves: { security: false } });
  });

  it('names each label that an instance does not carry as it is demanded', () => {
    const labels = { tpm: '2.0', zone: 'home', rack: '1' };
    const world = createWorld('qedge', {
      requirements: { ...NO_REQUIREMENTS, security: { ...NO_ATTRIBUTES, labels } },
    });
    place(world, [{ labels: { tpm: '1.2', rack: '1' } }]);
    expect(world.router.state(world.nowMs).instances[0]?.lacks).toEqual(['tpm=2.0', 'zone=home']);
  });
});

describe('an attribute share', () => {
  it.each(POLICY_NAMES)('is met in every window of every client under %s', (policy) => {
    const world = createWorld(policy, { requirements: accuracy(0.8) });
    place(world, [quick, quick, accurate, quick]);
    const keys = keysOf(world, 500);
    // The window holds 200 of them.
    for (let from = 200; from + 200 <= keys.length; from += 20) {
      const served = keys.slice(from, from + 200).filter((key) => key === 'node-2/a').length;
      expect(served).toBeGreaterThanOrEqual(160);
    }
    expect(world.router.state(world.nowMs).clients[0]).toMatchObject({ missed: null });
  });

  it('gives no more than it asks for where the weights want no more', () => {
    const world = createWorld('qedge', { requirements: accuracy(0.8) });
    place(world, [quick, quick, accurate, accurate]);
    const isAccurate = (key: string): boolean => /node-[23]/.test(key);
    let served = 0;
    for (let i = 0; i < 1000; i++) {
      const { key } = world.request((one) => ({ latencyMs: isAccurate(one.key) ? 40 : 20 }));
      if (i >= 200 && isAccurate(key)) served++;
      world.pass(50);
    }
    expect(served / 800).toBeGreaterThanOrEqual(0.8);
    expect(served / 800).toBeLessThan(0.83);
  });

  it('yields and comes back where a request comes every two seconds', () => {
    const world = createWorld('qedge', { requirements: accuracy(0.8) });
    place(world, [quick, accurate]);
    const heldAfter = (requests: number, slowMs: number): number => {
      for (let i = 0; i < requests; i++) {
        world.request(({ key }) => ({ latencyMs: key === 'node-1/a' ? slowMs : 20 }));
        world.pass(2000);
      }
      return world.router.state(world.nowMs).requirements[1]?.heldShare ?? Number.NaN;
    };
    expect(heldAfter(60, 200)).toBeLessThan(0.3);
    expect(heldAfter(120, 20)).toBe(0.8);
  });

  it('leaves the rest to the policy', () => {
    const world = createWorld('round-robin', { requirements: accuracy(0.5) });
    place(world, [quick, accurate]);
    const served = keysOf(world, 400).filter((key) => key === 'node-1/a').length;
    expect(served / 400).toBeGreaterThan(0.5);
    expect(served / 400).toBeLessThan(0.8);
  });

  it('follows the group of the client, where accuracy differs by group', () => {
    const world = createWorld('round-robin', { requirements: accuracy(1) });
    place(world, [{ profile: { accuracy: [0.99, 0.5] } }, { profile: { accuracy: [0.5, 0.99] } }]);
    expect(new Set(keysOf(world, 10))).toEqual(new Set(['node-0/a']));
    world.router.observeGroup(REQUEST.clientId, 1);
    expect(new Set(keysOf(world, 10))).toEqual(new Set(['node-1/a']));
  });

  it('yields while latency is missed and the others do better, and comes back', () => {
    const world = createWorld('qedge', { requirements: accuracy(0.8) });
    place(world, [quick, accurate]);
    const drive = (seconds: number, slowMs: number): void => {
      for (let i = 0; i < seconds * 20; i++) {
        world.request(({ key }) => ({ latencyMs: key === 'node-1/a' ? slowMs : 20 }));
        world.pass(50);
      }
    };
    drive(20, 200);
    const [, pressed] = world.router.state(world.nowMs).requirements;
    expect(pressed?.heldShare).toBeLessThan(0.2);
    drive(60, 20);
    const [, back] = world.router.state(world.nowMs).requirements;
    expect(back?.heldShare).toBe(0.8);
  });

  it.each(['late', 'failed'] as const)(
    'does not yield to the own limit of a client whose requests end %s by it',
    (ending) => {
      const world = createWorld('qedge', { requirements: accuracy(0.8) });
      place(world, [quick, accurate]);
      const handle = world.router.candidates[1]?.handle ?? 0;
      for (let i = 0; i < 400; i++) {
        const own = { ...ended('hasty', false, { handle, latencyMs: 30 }), ending, limitMs: 25 };
        world.router.recordRequest(own, world.nowMs);
        world.request(() => ({ latencyMs: 20 }));
        world.pass(50);
      }
      const { clients, requirements } = world.router.state(world.nowMs);
      expect(requirements[1]?.heldShare).toBe(0.8);
      expect(clients.map(({ clientId, missed }) => [clientId, missed])).toEqual([
        ['hasty', 'latency'],
        [REQUEST.clientId, null],
      ]);
    },
  );

  it('does not yield to moments in which all instances stand still', () => {
    const world = createWorld('qedge', { requirements: accuracy(0.8) });
    place(world, [quick, accurate, accurate]);
    let least = 1;
    for (let i = 0; i < 3000; i++) {
      // 24 requests a second; for half a second of each five, nothing answers in time.
      const stands = i % 120 >= 108;
      world.request(() => ({ latencyMs: stands ? 200 : 20 }));
      world.pass(1000 / 24);
      const [, share] = world.router.state(world.nowMs).requirements;
      least = Math.min(least, share?.heldShare ?? 0);
    }
    expect(least).toBeGreaterThan(0.7);
  });

  it('does not yield where nothing does better', () => {
    const world = createWorld('round-robin', { requirements: accuracy(0.8) });
    place(world, [quick, accurate]);
    for (let i = 0; i < 200; i++) {
      world.request(() => ({ latencyMs: 200 }));
      world.pass(50);
    }
    const [, share] = world.router.state(world.nowMs).requirements;
    expect(share?.heldShare).toBeGreaterThan(0.7);
  });

  it('is gone past by a preview as by a request while those that serve it are passed over', () => {
    const world = createWorld('qedge', { requirements: accuracy(0.8) });
    place(world, [quick, accurate]);
    keysOf(world, 50);
    const serving = world.router.candidates.find(({ key }) => key === 'node-1/a');
    if (serving === undefined) throw new Error('node-1/a is no candidate');
    world.router.finish(world.router.start(serving, world.nowMs), 'failed', 5, world.nowMs);
    for (let i = 0; i < 5; i++) {
      const { candidate } = world.router.preview(REQUEST, world.nowMs);
      expect(candidate?.key).toBe('node-0/a');
      expect(world.router.route(REQUEST, world.nowMs)).toBe(candidate);
    }
  });

  it('is offered by a preview that changes nothing', () => {
    const world = createWorld('qedge', { requirements: accuracy(1) });
    place(world, [quick, accurate]);
    for (let i = 0; i < 5; i++) {
      expect(world.router.preview(REQUEST, world.nowMs).candidate?.key).toBe('node-1/a');
    }
    expect(world.router.state(world.nowMs).clients).toEqual([]);
  });

  it('is kept over a restart, with what it was held to', () => {
    const world = createWorld('qedge', { requirements: accuracy(0.8) });
    place(world, [quick, accurate]);
    for (let i = 0; i < 100; i++) {
      world.request(({ key }) => ({ latencyMs: key === 'node-1/a' ? 200 : 20 }));
      world.pass(50);
    }
    const before = world.router.state(world.nowMs).requirements;
    const snapshot = JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs)));
    const next = createWorld('qedge', { requirements: accuracy(0.8) });
    place(next, [quick, accurate]);
    next.router.restore(snapshot, 1000, next.nowMs);
    expect(next.router.state(next.nowMs).requirements[1]?.heldShare).toBe(before[1]?.heldShare);
  });
});

describe('the ledger', () => {
  const everything: Requirements = {
    ...accuracy(0.8),
    meanLatencyMs: 30,
    reliabilityRatio: 0.9,
    availability: { share: 0.9, overMs: 60_000 },
    throughputPerSecondMin: 10,
  };

  /** What the client is said to miss by most after this. */
  const missedAfter = (record: (world: World, handle: number, i: number) => void): string | null | undefined => {
    const world = createWorld('qedge', { requirements: everything });
    place(world, [accurate]);
    const handle = world.router.candidates[0]?.handle ?? 0;
    for (let i = 0; i < 200; i++) {
      world.nowMs += 50;
      record(world, handle, i);
    }
    return world.router.state(world.nowMs).clients[0]?.missed;
  };

  it('begins again with a reset, for all clients together', () => {
    const world = createWorld('qedge', { requirements: everything });
    place(world, [accurate]);
    const handle = world.router.candidates[0]?.handle ?? 0;
    const record = (ending: 'failed' | 'success'): void =>
      world.router.recordRequest({ ...ended('c', true, { handle, latencyMs: 20 }), ending }, world.nowMs);
    const levels = () =>
      new Map(world.router.state(world.nowMs).requirements.map((one) => [one.requirement, one.level]));
    for (let i = 0; i < 50; i++) record('failed');
    expect(levels().get('reliability')).toBe(0);
    world.router.reset(world.nowMs);
    expect(levels().get('reliability')).toBeNull();
    record('success');
    expect(levels().get('reliability')).toBe(1);
  });

  it('finds a client satisfied for which every requirement holds', () => {
    const missed = missedAfter((world, handle) =>
      world.router.recordRequest(ended('c', true, { handle, latencyMs: 20 }), world.nowMs),
    );
    expect(missed).toBeNull();
  });

  it.each([
    ['mean-latency', (_world: World, handle: number) => ended('c', true, { handle, latencyMs: 45 })],
    ['accuracy', () => ended('c', true, { latencyMs: 20 })],
    ['latency', (_world: World, handle: number, i: number) => ended('c', i % 2 === 0, { handle, latencyMs: 20 })],
  ] as const)('names %s where that is missed by most', (name, request) => {
    const missed = missedAfter((world, handle, i) =>
      world.router.recordRequest(request(world, handle, i), world.nowMs),
    );
    expect(missed).toBe(name);
  });

  it('counts seconds in which the service could not be had', () => {
    const world = createWorld('qedge', { requirements: { ...NO_REQUIREMENTS, availability: everything.availability } });
    place(world, [accurate]);
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 5; i++) {
        world.nowMs += 200;
        // Down for five seconds; one answer in a second is enough for the others.
        const ending = second >= 10 && second < 15 ? 'failed' : i === 0 ? 'late' : 'failed';
        world.router.recordRequest({ ...ended('c', false), ending }, world.nowMs);
      }
    }
    const levels = world.router.state(world.nowMs).clients[0]?.requirements ?? [];
    const availability = levels.find(({ requirement }) => requirement === 'availability');
    expect(availability?.level).toBeCloseTo(0.75, 1);
  });

  it('asks for a throughput of the clients alone that ask for as much', () => {
    const world = createWorld('qedge', { requirements: { ...NO_REQUIREMENTS, throughputPerSecondMin: 10 } });
    for (let i = 0; i < 1000; i++) {
      world.nowMs += 20;
      world.router.recordRequest({ ...ended('busy', true), ending: i % 2 === 0 ? 'failed' : 'success' }, world.nowMs);
      world.router.recordRequest({ ...ended('eager', true), ending: i % 10 === 0 ? 'success' : 'failed' }, world.nowMs);
      if (i % 25 === 0) world.router.recordRequest(ended('calm', true), world.nowMs);
    }
    const strains = world.router.state(world.nowMs).clients.map(({ clientId, requirements = [] }) => {
      const strain = requirements.find(({ requirement }) => requirement === 'throughput')?.strain ?? 0;
      return [clientId, strain > 1] as const;
    });
    expect(Object.fromEntries(strains)).toEqual({ busy: false, eager: true, calm: false });
  });
});

describe('measured requirements', () => {
  /** Two instances, the second of which answers later, or fails every so often. */
  const drive = (requirements: Requirements, second: { latencyMs: number; fails?: number }): World => {
    const world = createWorld('qedge', { requirements });
    place(world, [{}, {}]);
    for (let i = 0; i < 2000; i++) {
      world.request(({ key }) => {
        if (key === 'node-0/a') return { latencyMs: 30 };
        const failed = second.fails !== undefined && i % second.fails === 0;
        return failed ? { latencyMs: 5, result: 'failed' } : { latencyMs: second.latencyMs };
      });
      world.pass(25);
    }
    return world;
  };
  const weightOfSecond = ({ router, nowMs }: World): number => router.state(nowMs).instances[1]?.weight ?? 0;
  const priceOf = ({ router, nowMs }: World): number => router.state(nowMs).requirements[1]?.price ?? 0;

  it('have a price while they are missed, and none while they are met', () => {
    const asked: Requirements = { ...NO_REQUIREMENTS, reliabilityRatio: 0.999 };
    const missed = createWorld('qedge', { requirements: asked });
    place(missed, [{}, {}]);
    for (let i = 0; i < 1000; i++) {
      missed.request(() => (i % 50 === 0 ? { latencyMs: 5, result: 'failed' } : { latencyMs: 20 }));
      missed.pass(25);
    }
    expect(priceOf(missed)).toBeGreaterThan(1);
    expect(priceOf(drive(asked, { latencyMs: 30 }))).toBe(0);
  });

  it('move the weights away from an instance that fails, while the service cannot be had in enough seconds', () => {
    // One second in five is lost to both, so that there is a price on what fails.
    const weightAsking = (more: Partial<Requirements>): [weight: number, price: number] => {
      const world = createWorld('qedge', { requirements: { ...NO_REQUIREMENTS, ...more } });
      place(world, [{}, {}]);
      for (let i = 0; i < 2000; i++) {
        const lost = Math.floor(world.nowMs / 1000) % 5 === 0;
        world.request(({ key }) => {
          const failed = lost || (key === 'node-1/a' && i % 10 === 0);
          return failed ? { latencyMs: 5, result: 'failed' } : { latencyMs: 30 };
        });
        world.pass(25);
      }
      return [weightOfSecond(world), more.availability ? priceOf(world) : 0];
    };
    const [plain] = weightAsking({});
    const [asked, price] = weightAsking({ availability: { share: 0.99, overMs: 60_000 } });
    expect(price).toBeGreaterThan(1);
    expect(asked).toBeLessThan(plain);
  });

  it('move the weights to the instances that come nearer to them, while they are missed', () => {
    const late = { latencyMs: 38 };
    const plain = weightOfSecond(drive(NO_REQUIREMENTS, late));
    const asked = drive({ ...NO_REQUIREMENTS, meanLatencyMs: 25 }, late);
    expect(priceOf(asked)).toBeGreaterThan(0.5);
    expect(weightOfSecond(asked)).toBeLessThan(0.7 * plain);
  });
});

describe('the objective', () => {
  it('moves requests to what spends least, where there is room', () => {
    const world = createWorld('qedge', {
      requirements: { ...NO_REQUIREMENTS, objective: { least: 'energy', keepRatio: 0.02 } },
    });
    place(world, [quick, accurate]);
    const keys = keysOf(world, 1200, 25);
    expect(keys.slice(-300).filter((key) => key === 'node-0/a').length).toBeGreaterThan(250);
  });

  it('spends nothing where success is short', () => {
    const world = createWorld('qedge', {
      requirements: { ...NO_REQUIREMENTS, objective: { least: 'energy', keepRatio: 0.02 } },
    });
    place(world, [quick, accurate]);
    let dear = 0;
    for (let i = 0; i < 1200; i++) {
      const { key } = world.request((candidate) => ({ latencyMs: candidate.key === 'node-0/a' ? 100 : 20 }));
      if (i >= 900 && key === 'node-1/a') dear++;
      world.pass(25);
    }
    expect(dear).toBeGreaterThan(250);
  });
});

describe('the latency goal alone', () => {
  it.each(POLICY_NAMES)('is routed by %s as if nothing else could be asked for', (policy) => {
    const measured: Requirements = { ...NO_REQUIREMENTS, availability: { share: 0.9, overMs: 60_000 } };
    const [plain, none, accounted] = [{}, { requirements: NO_REQUIREMENTS }, { requirements: measured }].map((more) => {
      const world = createWorld(policy, more);
      place(world, [quick, accurate, {}, {}]);
      return Array.from({ length: 250 }, (_, i) => {
        const { key } = world.request(({ handle }) => ({ latencyMs: 15 + 25 * handle + ((i * 7919) % 13) }));
        world.pass(40);
        return key;
      });
    });
    expect(none).toEqual(plain);
    expect(accounted).toEqual(plain);
  });
});
