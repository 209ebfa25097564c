// What a request is offered by the shares that it is due to: made once for all that are due alike.

import { describe, expect, it } from 'vitest';
import { FitTable } from '../../../src/core/requirements/fit-table.ts';
import { MeanLatency } from '../../../src/core/requirements/mean-latency.ts';
import type { AttributeShare } from '../../../src/core/requirements/requirements.ts';
import { Selections, selectionOf } from '../../../src/core/requirements/selections.ts';
import { candidatesAt } from '../candidates.ts';
import { NO_ATTRIBUTES } from '../support.ts';

const labelled = (name: string): AttributeShare => ({
  ...NO_ATTRIBUTES,
  name,
  share: 0.5,
  labels: { [name]: 'yes' },
});
const [A, B] = [1, 2];

function selectionsOver(labels: readonly Readonly<Record<string, string>>[]) {
  const shares = [labelled('a'), labelled('b')];
  const fits = new FitTable(shares, null);
  const latency = new MeanLatency(50);
  const candidates = candidatesAt(labels.length);
  for (const [i, one] of candidates.entries()) {
    one.instance = { ...one.instance, labels: labels[i] ?? {} };
    fits.set(one);
    latency.begin(one.handle);
  }
  const selections = new Selections(fits, latency, shares.length);
  selections.update(candidates);
  const offered = (due: number): number[] => selections.of(candidates, selectionOf(due, 0)).map(({ handle }) => handle);
  return { selections, fits, latency, candidates, offered };
}

const WORLD = [{}, { a: 'yes' }, { b: 'yes' }, { a: 'yes', b: 'yes' }];

describe('a selection', () => {
  it('has the instances that serve all shares that are due', () => {
    const { offered } = selectionsOver(WORLD);
    expect([offered(0), offered(A), offered(B), offered(A | B)]).toEqual([[0, 1, 2, 3], [1, 3], [2, 3], [3]]);
  });

  it('keeps to the more important share where no instance serves both', () => {
    const { offered } = selectionsOver([{ a: 'yes' }, { b: 'yes' }]);
    expect(offered(A | B)).toEqual([0]);
  });

  it('leaves out what serves a share that is not due, where the policy says what it wants', () => {
    const { selections, offered } = selectionsOver(WORLD);
    selections.setExact(true);
    expect([offered(0), offered(A), offered(A | B)]).toEqual([[0], [1], [3]]);
    const few = selectionsOver([{ a: 'yes' }, { a: 'yes', b: 'yes' }]);
    few.selections.setExact(true);
    expect(few.offered(0)).toEqual([0]);
  });

  it('is the same array until something changes that it is made of', () => {
    const { selections, fits, candidates } = selectionsOver(WORLD);
    const select = () => selections.of(candidates, selectionOf(A, 0));
    const first = select();
    expect(select()).toBe(first);
    const changed = candidates[1];
    if (changed === undefined) throw new Error('no candidate');
    expect(fits.set(changed)).toBe(false);
    changed.instance = { ...changed.instance, labels: {} };
    expect(fits.set(changed)).toBe(true);
    selections.update(candidates);
    expect(select().map(({ handle }) => handle)).toEqual([3]);
  });

  it('of the quick ones has those that take no more than the next answer may, and first of all the quickest', () => {
    const { selections, latency, candidates } = selectionsOver(WORLD);
    for (const [handle, latencyMs] of [40, 30, 20, 90].entries()) latency.record(1, { handle, latencyMs });
    const quick = (due: number, allowanceMs: number) =>
      selections.quickOf(candidates, selectionOf(due, 0), allowanceMs).map(({ handle }) => handle);
    expect([quick(0, 35), quick(A, 35), quick(A | B, 35), quick(0, -100)]).toEqual([[1, 2], [1], [1], [2]]);
    expect(selections.of(candidates, selectionOf(A, 0)).map(({ handle }) => handle)).toEqual([1, 3]);
  });
});
