import { describe, expect, it } from 'vitest';
import { Reach } from '../../src/placement/reach.ts';

const reach = () =>
  new Reach(
    new Map([
      ['fast', 50],
      ['slow', 100],
    ]),
  );

describe('Reach', () => {
  it('enters below the limit of each service and leaves above 1.1 times it', () => {
    const nodes = reach();
    nodes.observe('n1', 100);
    expect(nodes.observe('n1', 100)).toEqual({ entered: [], left: [] });
    expect(nodes.observe('n1', 99)).toEqual({ entered: ['slow'], left: [] });
    expect(nodes.observe('n1', 49)).toEqual({ entered: ['fast'], left: [] });
    expect(nodes.observe('n1', 55)).toEqual({ entered: [], left: [] });
    expect(nodes.observe('n1', 56)).toEqual({ entered: [], left: ['fast'] });
    expect(nodes.observe('n1', 110)).toEqual({ entered: [], left: [] });
    expect(nodes.observe('n1', 111)).toEqual({ entered: [], left: ['slow'] });
  });

  it('does not flap around the limit', () => {
    const nodes = reach();
    nodes.observe('n1', 500);
    const changes = [99, 101, 99, 105, 98, 109, 100].map((rttMs) => nodes.observe('n1', rttMs));
    expect(changes.filter(({ entered, left }) => entered.length + left.length > 0)).toEqual([
      { entered: ['slow'], left: [] },
    ]);
  });

  it('leaves what is out of reach at the first look: it may be known from before', () => {
    const nodes = reach();
    expect(nodes.observe('n1', 70)).toEqual({ entered: ['slow'], left: ['fast'] });
    expect(nodes.observe('n1', 70)).toEqual({ entered: [], left: [] });
  });

  it('assumes that a node is near until it was measured, and not after', () => {
    const nodes = reach();
    expect(nodes.assume('n1')).toEqual({ entered: ['fast', 'slow'], left: [] });
    expect(nodes.assume('n1')).toEqual({ entered: [], left: [] });
    expect(nodes.observe('n1', 500)).toEqual({ entered: [], left: ['fast', 'slow'] });
    expect(nodes.assume('n1')).toEqual({ entered: [], left: [] });
  });

  it('leaves everything of a node that is gone', () => {
    const nodes = reach();
    nodes.observe('n1', 10);
    expect(nodes.forget('n1')).toEqual({ entered: [], left: ['fast', 'slow'] });
    expect(nodes.forget('n1')).toEqual({ entered: [], left: [] });
    expect(nodes.has('n1', 'fast')).toBe(false);
  });
});
