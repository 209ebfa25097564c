import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/core/domain.ts';
import { createWorld, ended, instance, populate, REQUEST } from './support.ts';

describe('service router', () => {
  it('routes nowhere only when the service has no instance', () => {
    const world = createWorld('round-robin');
    expect(world.router.route(REQUEST, world.nowMs)).toBeNull();
    populate(world, [1]);
    expect(world.router.route(REQUEST, world.nowMs)?.key).toBe('node-0/a');
  });

  it('sends each instance its turn', () => {
    const world = createWorld('round-robin');
    populate(world, [1, 10, 20]);
    const keys = Array.from({ length: 6 }, () => world.request(() => ({ latencyMs: 5 })).key);
    expect(new Set(keys.slice(0, 3)).size).toBe(3);
    expect(keys.slice(3)).toEqual(keys.slice(0, 3));
  });

  it('knows what is in flight where, and since when', () => {
    const world = createWorld('round-robin');
    populate(world, [1]);
    const [candidate] = world.router.candidates;
    if (candidate === undefined) throw new Error('no candidate');
    const first = world.router.start(candidate, 1000);
    const second = world.router.start(candidate, 1010);
    expect([candidate.inFlight, candidate.oldestStartMs]).toEqual([2, 1000]);
    world.router.finish(first, 'answered', 20, 1020);
    expect([candidate.inFlight, candidate.oldestStartMs]).toEqual([1, 1010]);
    world.router.finish(second, 'answered', 20, 1030);
    expect([candidate.inFlight, candidate.oldestStartMs]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it('charges nothing to an instance that took the place of one that left mid-flight', () => {
    const world = createWorld('round-robin');
    populate(world, [1]);
    const [gone] = world.router.candidates;
    if (gone === undefined) throw new Error('no candidate');
    const ticket = world.router.start(gone, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-removed', key: gone.key }, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance('node-5') }, world.nowMs);
    const [heir] = world.router.candidates;
    expect(heir?.handle).toBe(gone.handle);
    expect(heir?.inFlight).toBe(0);
    const late = world.router.start(gone, world.nowMs);
    world.router.finish(ticket, 'failed', 50, world.nowMs);
    world.router.finish(late, 'failed', 50, world.nowMs);
    expect(world.router.state(world.nowMs).instances[0]).toMatchObject({ requests: 0, failures: 0, inFlight: 0 });
    expect(world.router.state(world.nowMs).inFlight).toBe(0);
  });

  it('reports no processing of an instance that only failed', () => {
    const world = createWorld('qedge');
    populate(world, [1]);
    const processingAfter = (result: Evidence) => {
      for (let i = 0; i < 3; i++) world.request(() => ({ latencyMs: 5, result }));
      world.pass(2000);
      return world.router.state(world.nowMs).instances.map(({ processingMs }) => processingMs);
    };
    expect(processingAfter('failed')).toEqual([null]);
    expect(processingAfter('answered')).toEqual([expect.any(Number)]);
  });

  it('treats a changed address as another instance', () => {
    const world = createWorld('round-robin');
    populate(world, [1]);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance('node-0', { port: 9001 }) }, world.nowMs);
    expect(world.events.map(({ kind }) => kind)).toEqual(['instance-added', 'instance-removed', 'instance-added']);
    world.router.applyPlacement(
      { kind: 'instance-set', instance: instance('node-0', { port: 9001, labels: { zone: 'a' } }) },
      2,
    );
    expect(world.events).toHaveLength(3);
    expect(world.router.candidates[0]?.instance.labels).toEqual({ zone: 'a' });
  });

  it('keeps traffic off suspect and draining instances while another is up, and uses suspect before draining ones', () => {
    const world = createWorld('round-robin');
    populate(world, [1, 10, 20]);
    const set = (node: string, availability: 'up' | 'suspect' | 'draining') =>
      world.router.applyPlacement({ kind: 'instance-availability', key: `${node}/a`, availability }, world.nowMs);
    set('node-0', 'draining');
    set('node-1', 'suspect');
    const keys = Array.from({ length: 9 }, () => world.request(() => ({ latencyMs: 5 })).key);
    expect(new Set(keys)).toEqual(new Set(['node-2/a']));
    set('node-2', 'draining');
    expect(world.router.route(REQUEST, world.nowMs)?.key).toBe('node-1/a');
    expect(world.router.lastTier).toBe('last-resort');
  });

  it.each(['qedge', 'qedgeproxy', 'round-robin', 'p2c-ewma'])(
    '%s spreads over all instances when every one is suspect, and leaves them once one is up',
    (policy) => {
      const world = createWorld(policy);
      populate(world, [1, 2, 3]);
      for (const node of [0, 1, 2]) {
        const key = `node-${node}/a`;
        world.router.applyPlacement({ kind: 'instance-availability', key, availability: 'suspect' }, world.nowMs);
      }
      const keys = new Set<string>();
      for (let i = 0; i < 30; i++) keys.add(world.request(() => ({ latencyMs: 5 })).key);
      expect(keys.size).toBe(3);
      expect(world.router.lastTier).toBe('last-resort');
      const key = 'node-1/a';
      world.router.applyPlacement({ kind: 'instance-availability', key, availability: 'up' }, world.nowMs);
      expect(new Set(Array.from({ length: 9 }, () => world.request(() => ({ latencyMs: 5 })).key))).toEqual(
        new Set([key]),
      );
    },
  );

  it('refuses instances beyond its maximum and says so', () => {
    const world = createWorld('round-robin', { instancesMax: 2 });
    populate(world, [1, 2, 3]);
    expect(world.router.candidates).toHaveLength(2);
    expect(world.events.at(-1)).toEqual({ kind: 'instance-refused', key: 'node-2/a' });
  });

  it('reports an RTT step, also one that creeps, and no step for jitter', () => {
    const world = createWorld('round-robin');
    populate(world, [1, 20]);
    const steps = () => world.events.filter(({ kind }) => kind === 'rtt-step');
    world.router.observeRtt('node-1', 22, 2000);
    expect(steps()).toEqual([]);
    world.router.observeRtt('node-1', 28, 2100);
    expect(steps()).toEqual([{ kind: 'rtt-step', nodeId: 'node-1', fromMs: 20, toMs: 28 }]);
    expect(world.router.candidates[1]?.rttMs).toBe(28);
  });

  it('starts from the round trip that the configuration gives, until the node is measured', () => {
    const world = createWorld('round-robin');
    const set = (rttMs: number): void =>
      world.router.applyPlacement({ kind: 'instance-set', instance: instance('node-7', { rttMs }) }, world.nowMs);
    set(4);
    expect(world.router.candidates[0]).toMatchObject({ rttMs: 4, rttKnown: false });
    set(6);
    expect(world.router.candidates[0]).toMatchObject({ rttMs: 6, rttKnown: false });
    world.router.observeRtt('node-7', 33, world.nowMs);
    set(8);
    expect(world.router.candidates[0]).toMatchObject({ rttMs: 33, rttKnown: true });
  });

  it('gives an instance that joins later the RTT its node was measured at', () => {
    const world = createWorld('round-robin');
    world.router.observeRtt('node-7', 33, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance('node-7') }, world.nowMs);
    expect(world.router.candidates[0]).toMatchObject({ rttMs: 33, rttKnown: true });
  });

  it('accounts success per client and lists the worst served first', () => {
    const world = createWorld('round-robin');
    populate(world, [1]);
    for (let i = 0; i < 10; i++) {
      world.router.recordRequest(ended('good', true), 2000);
      world.router.recordRequest(ended('bad', i < 5), 2000);
    }
    const state = world.router.state(2000);
    expect(state.successRatio).toBe(0.75);
    expect(state.clientsSatisfiedRatio).toBe(0.5);
    expect(state.clients).toEqual([
      { clientId: 'bad', requests: 10, successRatio: 0.5 },
      { clientId: 'good', requests: 10, successRatio: 1 },
    ]);
    expect(world.router.state(13_000).clients).toEqual([]);
  });

  it('uses no snapshot of another definition', () => {
    const world = createWorld('round-robin');
    populate(world, [1]);
    world.router.recordRequest(ended('camera', true), 1000);
    const snapshot = world.router.snapshot(1000);
    const other = createWorld('round-robin', { qos: { latencyMs: 81, successRatio: 0.9, windowMs: 10_000 } });
    other.router.restore(snapshot, 0, 1000);
    expect(other.router.state(1000).clients).toEqual([]);
    const same = createWorld('round-robin');
    same.router.restore(snapshot, 0, 1000);
    expect(same.router.state(1000).clients).toHaveLength(1);
  });
});

describe('evidence at the router', () => {
  it.each(['qedge', 'qedgeproxy', 'p2c-ewma'])(
    'takes its traffic from the one instance that declines: %s',
    (policy) => {
      const world = createWorld(policy);
      populate(world, [1, 2]);
      const declinedBy = (count: number): number => {
        let declined = 0;
        for (let i = 0; i < count; i++) {
          const { local } = world.request((candidate) =>
            candidate.local ? { latencyMs: 2, result: 'declined' } : { latencyMs: 30 },
          );
          if (local) declined++;
          world.pass(20);
        }
        return declined;
      };
      declinedBy(1000);
      expect(declinedBy(1000)).toBeLessThan(30);
    },
  );

  it('changes no weight when all decline alike', () => {
    const world = createWorld('qedge');
    populate(world, [1, 1, 1]);
    const weights = () => world.router.state(world.nowMs).instances.map(({ weight }) => weight);
    for (let i = 0; i < 200; i++) {
      world.request(() => ({ latencyMs: 20 }));
      world.pass(20);
    }
    const before = weights();
    for (let i = 0; i < 500; i++) {
      world.request(() => ({ latencyMs: 20, result: 'declined' }));
      world.pass(20);
    }
    weights().forEach((weight, i) => {
      expect(weight).toBeCloseTo(before[i] as number, 1);
    });
  });

  it('says what an attempt is taken for', () => {
    const world = createWorld('round-robin');
    populate(world, [1]);
    const [candidate] = world.router.candidates;
    if (candidate === undefined) throw new Error('no candidate');
    const finish = (evidence: Evidence) =>
      world.router.finish(world.router.start(candidate, world.nowMs), evidence, 5, world.nowMs);
    expect(finish('full')).toBe('full');
    expect(finish('declined')).toBe('answered');
    expect(finish('unprocessed')).toBe('aborted');
  });

  it('counts a break-off as one failure more, unless the instance is gone', () => {
    const world = createWorld('qedge');
    populate(world, [1]);
    const [candidate] = world.router.candidates;
    if (candidate === undefined) throw new Error('no candidate');
    world.router.finish(world.router.start(candidate, world.nowMs), 'answered', 5, world.nowMs);
    world.router.retractSuccess(candidate, 5, world.nowMs + 100);
    const [state] = world.router.state(world.nowMs).instances;
    expect([state?.requests, state?.failures]).toEqual([1, 1]);
    world.router.applyPlacement({ kind: 'instance-removed', key: candidate.key }, world.nowMs);
    world.router.retractSuccess(candidate, 5, world.nowMs);
  });

  it('takes back a success that was none', () => {
    const world = createWorld('round-robin');
    world.router.recordRequest(ended('cam-1', true), 1000);
    world.router.recordRequest(ended('cam-1', true), 1000);
    world.router.retractRequest('cam-1', 1000, 1500);
    expect(world.router.state(1500).clients).toEqual([{ clientId: 'cam-1', requests: 2, successRatio: 0.5 }]);
  });
});
