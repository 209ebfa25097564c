import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CandidateSubset } from '../../../../src/core/policies/qedge/candidate-subset.ts';
import { createRng } from '../../../../src/core/rng.ts';
import { candidateAt } from '../../candidates.ts';

const OPTIONS = { candidatesMax: 8, nearest: 3, rotationMs: 5000 };
const everybody = (count: number) => Array.from({ length: count }, (_, handle) => candidateAt(handle, 100 - handle));

describe('candidate subset', () => {
  it('is everybody while they are few', () => {
    const few = everybody(8);
    expect(new CandidateSubset(OPTIONS, createRng(1)).choose(few, [])).toEqual(few);
  });

  it('is the nearest and random others when they are many, without doubles', () => {
    fc.assert(
      fc.property(fc.integer({ min: 9, max: 60 }), fc.nat(), (count, seed) => {
        const all = everybody(count);
        const chosen = new CandidateSubset(OPTIONS, createRng(seed)).choose(all, []);
        expect(new Set(chosen).size).toBe(8);
        for (const nearest of all.slice(-3)) expect(chosen).toContain(nearest);
      }),
    );
  });

  it('keeps those in play as long as they are there', () => {
    const all = everybody(30);
    const subset = new CandidateSubset(OPTIONS, createRng(1));
    const first = subset.choose(all, []);
    expect(new Set(subset.choose(all, first))).toEqual(new Set(first));
    const [gone] = first.filter(({ handle }) => handle < 27);
    const rest = all.filter((candidate) => candidate !== gone);
    const second = subset.choose(rest, first);
    expect(second.filter((candidate) => first.includes(candidate))).toHaveLength(7);
    expect(second).not.toContain(gone);
  });

  it('swaps one of the weak for one not in play, never one of the nearest, once a rotation', () => {
    const all = everybody(30);
    const subset = new CandidateSubset(OPTIONS, createRng(3));
    const members = subset.choose(all, []);
    const rotated = subset.rotate(all, members, { nowMs: 0, isWeak: () => true });
    expect(rotated).toHaveLength(8);
    expect(rotated.filter((candidate) => members.includes(candidate))).toHaveLength(7);
    for (const nearest of all.slice(-3)) expect(rotated).toContain(nearest);
    expect(subset.rotate(all, rotated, { nowMs: 4999, isWeak: () => true })).toBe(rotated);
    expect(subset.rotate(all, rotated, { nowMs: 5000, isWeak: () => false })).toBe(rotated);
  });
});
