import { describe, expect, it } from 'vitest';
import { History } from '../../../src/admin/state/history.ts';
import type { RouterState } from '../../../src/core/service-router.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

const AS_IT_IS = (clockMs: number): number => clockMs;

function sample(history: History, states: readonly RouterState[], nowMs: number): void {
  const services = states.map(({ instances, ...overview }) => ({ overview, instances }));
  Array.from(history.sample(services, nowMs));
}

describe('the history', () => {
  it('gives back samples in order, with null where an instance did not exist', () => {
    const history = new History();
    sample(history, [routerStateOf({ instances: [instanceStateOf('a', { weight: 1 })] })], 1_000);
    sample(
      history,
      [routerStateOf({ instances: [instanceStateOf('b', { weight: 0.25 })], successRatio: null })],
      3_000,
    );
    expect(history.of('pilotnet', AS_IT_IS)).toMatchObject({
      timesMs: [1_000, 3_000],
      successRatio: [0.97, null],
      weights: { 'a/a': [1, null], 'b/a': [null, 0.25] },
    });
  });

  it('keeps the newest three hundred samples and forgets instances with their last one', () => {
    const history = new History();
    sample(history, [routerStateOf({ instances: [instanceStateOf('gone')] })], 0);
    for (let i = 1; i <= 900; i++)
      sample(history, [routerStateOf({ instances: [instanceStateOf('stays')] })], i * 2_000);
    const kept = history.of('pilotnet', AS_IT_IS);
    expect(kept?.timesMs).toHaveLength(300);
    expect(kept?.timesMs[0]).toBe(601 * 2_000);
    expect(kept?.timesMs.at(-1)).toBe(900 * 2_000);
    expect(Object.keys(kept?.weights ?? {})).toEqual(['stays/a']);
  });

  it('keeps no more than the last 64 that left, however often names change', () => {
    const history = new History();
    for (let i = 0; i < 250; i++) {
      const names = ['stays', `${i}`, `${i + 1}`, `${i + 2}`];
      sample(history, [routerStateOf({ instances: names.map((name) => instanceStateOf(name)) })], i * 2_000);
    }
    const keys = Object.keys(history.of('pilotnet', AS_IT_IS)?.weights ?? {});
    expect(keys).toHaveLength(4 + 64);
    expect(keys).toEqual(expect.arrayContaining(['stays/a', '251/a', '185/a']));
  });

  it('is read without the sample that is being taken', () => {
    const history = new History();
    sample(history, [routerStateOf({ instances: [instanceStateOf('a', { weight: 1 })] })], 1_000);
    const instances = Array.from({ length: 200 }, (_, i) => instanceStateOf(`${i}`));
    const [step] = history.sample([{ overview: routerStateOf(), instances }], 3_000);
    expect(step).toBeUndefined();
    expect(history.of('pilotnet', AS_IT_IS)).toMatchObject({ timesMs: [1_000], weights: { 'a/a': [1] } });
  });

  it('forgets a service that is no longer there', () => {
    const history = new History();
    sample(history, [routerStateOf()], 0);
    sample(history, [], 2_000);
    expect(history.of('pilotnet', AS_IT_IS)).toBeNull();
  });
});
