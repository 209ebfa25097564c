import { describe, expect, it } from 'vitest';
import { Ignored } from '../../../src/learning/controller/ignored.ts';
import { Offers } from '../../../src/learning/controller/offers.ts';
import type { Offer } from '../../../src/learning/messages/payloads.ts';
import type { LearningRole } from '../../../src/plan/learning/topology.ts';

function offer(id: string, role: LearningRole, classes: readonly string[]): Offer {
  const samples = new Map(classes.map((name) => [name, 10]));
  return { node: { id, role, costs: new Map([['g', 1]]), samples }, address: '10.0.0.1:9100' };
}

const named = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `c${from + i}`);

describe('what nodes offer', () => {
  it('has a bounded number of classes, and a client with a thousand pushes out none with few', () => {
    const offers = new Offers(null);
    offers.set(offer('g', 'global-aggregator', []));
    offers.set(offer('a-liar', 'client', named(1_000, 1_000)));
    offers.set(offer('b', 'client', ['x', 'y']));
    const out: string[] = [];
    const topology = offers.topology(null, (node) => out.push(node));
    expect(topology).toMatchObject({ clients: [{ id: 'b' }] });
    expect(out).toEqual(['a-liar']);
  });

  it('leaves the task to the global aggregator that has it, and else to one that a client has a link to', () => {
    const offers = new Offers(null);
    for (const id of ['a', 'f', 'g', 'z']) offers.set(offer(id, 'global-aggregator', []));
    offers.set(offer('b', 'client', ['x']));
    offers.set({
      ...offer('c', 'client', ['x']),
      node: { ...offer('c', 'client', ['x']).node, costs: new Map([['z', 1]]) },
    });
    const globalWith = (atWork: string | null): unknown => offers.topology(atWork, () => {});
    expect(globalWith(null)).toMatchObject({ global: { id: 'g' }, clients: [{ id: 'b' }] });
    expect(globalWith('z')).toMatchObject({ global: { id: 'z' }, clients: [{ id: 'c' }] });
    expect(globalWith('gone')).toMatchObject({ global: { id: 'g' } });
    expect(globalWith('a')).toBe('no node is a client with a link to an aggregator');
    const out: string[] = [];
    offers.topology('g', (node, reason) => out.push(`${node}: ${reason}`));
    expect(out).toEqual(
      ['a', 'f', 'z'].map((id) => `${id}: "g" is the global-aggregator already`).concat('c: no link to any aggregator'),
    );
  });

  it('has a bounded number of costs and samples in all', () => {
    const offers = new Offers(null);
    const refusals = Array.from({ length: 201 }, (_, i) => offers.set(offer(`n${i}`, 'client', named(0, 1_000))));
    expect(refusals.filter((one) => one !== null)).toHaveLength(2);
    offers.delete('n0');
    expect(offers.set(offer('n200', 'client', named(0, 900)))).toBeNull();
  });

  it('has the same fingerprint when it is announced again, and another when it changes', () => {
    const offers = new Offers(null);
    offers.set(offer('g', 'global-aggregator', []));
    const before = offers.fingerprint;
    offers.clear();
    offers.set(offer('g', 'global-aggregator', []));
    expect(offers.fingerprint).toBe(before);
    offers.set(offer('b', 'client', ['x']));
    expect(offers.fingerprint).not.toBe(before);
  });
});

it('ignored reports stay as many as a state may hold when those of an earlier controller are added', () => {
  const ignored = new Ignored(() => {});
  for (let i = 0; i < 64; i++) ignored.add(`new${i}`, 'wrong');
  ignored.restore([
    { node: 'new1', count: 4, reason: 'old' },
    ...named(0, 63).map((node) => ({ node, count: 1, reason: '' })),
  ]);
  expect(ignored.entries).toHaveLength(64);
  expect(ignored.entries.find(({ node }) => node === 'new1')).toMatchObject({ count: 5, reason: 'wrong' });
});
