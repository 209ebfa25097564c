import { describe, expect, it } from 'vitest';
import { Series } from '../../../src/admin/dashboard/series.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

const state = (weight: number) => routerStateOf({ instances: [instanceStateOf('a', { weight })] });

describe('the last minutes', () => {
  it('put what the proxy remembers before what the page saw, without doubles', () => {
    const series = new Series();
    series.append(state(0.4), 10_000);
    series.prepend({
      intervalMs: 2_000,
      timesMs: [6_000, 8_000, 10_000],
      successRatio: [null, 0.5, 0.6],
      clientsSatisfiedRatio: [null, 1, 1],
      requestsPerSecond: [0, 1, 2],
      weights: { 'a/a': [null, 0.2, 0.3] },
    });
    expect(series.samples.map(({ timeMs, weights }) => [timeMs, weights['a/a']])).toEqual([
      [6_000, undefined],
      [8_000, 0.2],
      [10_000, 0.4],
    ]);
  });

  it('leave a gap where nothing answered', () => {
    const series = new Series();
    series.append(state(1), 0);
    series.append(state(1), 20_000);
    expect(series.samples.map(({ successRatio }) => successRatio)).toEqual([0.97, null, 0.97]);
  });

  it('reach back ten minutes and no further, and take no state twice', () => {
    const series = new Series();
    for (let second = 0; second <= 1_000; second++) series.append(state(1), second * 1_000);
    series.append(state(1), 1_000_000);
    expect(series.samples).toHaveLength(601);
    expect(series.samples[0]?.timeMs).toBe(400_000);
  });
});
