import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/core/rng.ts';
import { ProbeRotation } from '../../src/probe/probe-rotation.ts';

const rotation = ({ intervalMs = 5_000, ratePerSecondMax = 50, nodes = 0 } = {}) => {
  const made = new ProbeRotation({ intervalMs, ratePerSecondMax, rng: createRng(3) });
  for (let i = 0; i < nodes; i++) made.add(`n${i}`);
  return made;
};

/** Takes every probe that is due until `untilMs`, at the very moment it is due. */
function run(from: ProbeRotation, untilMs: number, startMs = 0): { atMs: number; nodeId: string }[] {
  const probes: { atMs: number; nodeId: string }[] = [];
  for (let nowMs = startMs; nowMs <= untilMs; nowMs = Math.max(startMs, from.nextMs)) {
    const nodeId = from.take(nowMs);
    if (nodeId !== null) probes.push({ atMs: nowMs, nodeId });
    if (from.nextMs === Number.POSITIVE_INFINITY) break;
  }
  return probes;
}

describe('ProbeRotation', () => {
  it('has nothing to do without nodes', () => {
    const empty = rotation();
    expect(empty.nextMs).toBe(Number.POSITIVE_INFINITY);
    expect(empty.take(0)).toBeNull();
  });

  it('probes every node once an interval, give or take the jitter', () => {
    const probes = run(rotation({ nodes: 10 }), 60_000).filter(({ nodeId }) => nodeId === 'n4');
    const gaps = probes.slice(2).map(({ atMs }, i) => atMs - (probes[i + 1]?.atMs ?? 0));
    for (const gap of gaps) expect(Math.abs(gap - 5_000)).toBeLessThan(1_000);
    expect(new Set(gaps.map(Math.round)).size).toBeGreaterThan(5);
  });

  it('stretches the interval instead of exceeding the rate', () => {
    const probes = run(rotation({ nodes: 1_000 }), 60_000);
    for (let start = 0; start < 59_000; start += 500) {
      const inSecond = probes.filter(({ atMs }) => atMs >= start && atMs < start + 1_000).length;
      expect(inSecond).toBeLessThanOrEqual(51);
    }
    expect(probes.length).toBeGreaterThan(2_400);
    const counts = new Map<string, number>();
    for (const { nodeId } of probes) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
    expect(counts.size).toBe(1_000);
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
  });

  it('takes a new node first, within the budget', () => {
    const nodes = rotation({ nodes: 5 });
    run(nodes, 20_000);
    nodes.add('new');
    expect(nodes.nextMs).toBeLessThanOrEqual(20_020);
    expect(nodes.take(20_020)).toBe('new');
    expect(nodes.take(20_030)).toBeNull();
  });

  it('never takes a node that was removed', () => {
    const nodes = rotation({ nodes: 3 });
    nodes.remove('n1');
    expect(run(nodes, 30_000).some(({ nodeId }) => nodeId === 'n1')).toBe(false);
    expect(nodes.size).toBe(2);
  });
});
