import { describe, expect, it } from 'vitest';
import { Neighbourhood, type Redrawn } from '../../../src/placement/broker/neighbourhood.ts';

const draw = (neighbourhood: Neighbourhood, rtts: Readonly<Record<string, number>>): Redrawn | undefined =>
  neighbourhood.redraw(
    Object.entries(rtts).map(([id, rttMs]) => ({ id, rttMs })),
    2,
  )[0];

const pair = (): Neighbourhood => new Neighbourhood(new Map([['s', 80]]));

describe('a neighbourhood', () => {
  it('is the nearest in reach', () => {
    const neighbourhood = pair();
    expect(draw(neighbourhood, { a: 30, b: 10, c: 20, d: 81 })).toEqual({
      service: 's',
      entered: ['b', 'c'],
      left: [],
    });
    expect(['a', 'b', 'c', 'd'].filter((id) => neighbourhood.hears('s', id))).toEqual(['b', 'c']);
  });

  it('stays while another one is hardly nearer, and changes when it is by a fifth', () => {
    const neighbourhood = pair();
    draw(neighbourhood, { a: 10, b: 20 });
    expect(draw(neighbourhood, { a: 10, b: 20, c: 17 })).toMatchObject({ entered: [], left: [] });
    expect(draw(neighbourhood, { a: 10, b: 20, c: 15 })).toMatchObject({ entered: ['c'], left: ['b'] });
  });

  it('loses a neighbour that is gone, or out of reach by a tenth of the limit', () => {
    const neighbourhood = pair();
    draw(neighbourhood, { a: 79, b: 20 });
    expect(draw(neighbourhood, { a: 85, b: 20 })).toMatchObject({ left: [] });
    expect(draw(neighbourhood, { a: 89, b: 20 })).toMatchObject({ entered: [], left: ['a'] });
    expect(draw(neighbourhood, {})).toMatchObject({ entered: [], left: ['b'] });
  });
});
