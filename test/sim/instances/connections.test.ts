import { describe, expect, it } from 'vitest';
import { runOne } from '../../../src/sim/experiment.ts';
import { Connections } from '../../../src/sim/instances/connections.ts';
import { computeMetrics } from '../../../src/sim/results/metrics.ts';
import { createWorld } from '../../../src/sim/world/world.ts';
import { smallScenario, twoNodes } from '../support.ts';

const SPEC = { handshakeRtts: 2, idleMs: 4_000, warm: 0 };

describe('connections', () => {
  it('cost their handshake once, and again after they were idle for too long', () => {
    const connections = new Connections(SPEC, 3);
    expect(connections.take(0, 1, 0)).toBe(2);
    connections.give(0, 1, 100);
    expect(connections.take(0, 1, 4_099)).toBe(0);
    connections.give(0, 1, 4_200);
    expect(connections.take(0, 1, 8_201)).toBe(2);
  });

  it('are of one load balancer to one instance', () => {
    const connections = new Connections(SPEC, 3);
    connections.give(0, 1, 0);
    expect([connections.take(0, 2, 1), connections.take(1, 1, 1), connections.take(0, 1, 1)]).toEqual([2, 2, 0]);
  });

  it('carry one attempt at a time', () => {
    const connections = new Connections(SPEC, 1);
    connections.give(0, 0, 0);
    expect([connections.take(0, 0, 1), connections.take(0, 0, 1)]).toEqual([0, 2]);
  });

  it('stay open for ever where they are kept warm', () => {
    const connections = new Connections({ ...SPEC, warm: 1 }, 1);
    expect([connections.take(0, 0, 60_000), connections.take(0, 0, 60_000)]).toEqual([0, 2]);
  });

  it('make an instance slow that is used once in five seconds, and only while it is', () => {
    const median = (ratePerSecond: number, handshakeRtts: number): number => {
      const base = smallScenario();
      const scenario = smallScenario({
        durationMs: 200_000,
        topology: twoNodes(['b']),
        network: { ...base.network, connections: { ...SPEC, handshakeRtts } },
        clients: base.clients.map((group) => ({ ...group, each: 1, ratePerSecond })),
      });
      const recorder = runOne({ scenario, world: createWorld(scenario, 1), policy: 'round-robin', seed: 1 });
      return computeMetrics(recorder, scenario, null).latencyP50Ms;
    };
    expect(median(0.2, 2) - median(0.2, 0)).toBeGreaterThan(55);
    expect(median(1, 2) - median(1, 0)).toBeLessThan(5);
  });
});
