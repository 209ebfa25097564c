import { describe, expect, it } from 'vitest';
import { RttEstimate } from '../../src/probe/rtt-estimate.ts';

const readings = (changeRatio: number, samples: readonly number[]) => {
  const estimate = new RttEstimate(changeRatio);
  return samples.map((sample) => estimate.add(sample));
};

describe('RttEstimate', () => {
  it('is the first sample, then the median of the last five', () => {
    expect(readings(0.3, [10, 12, 11, 50, 10, 10, 10]).map(({ rttMs }) => rttMs)).toEqual([
      10, 11, 11, 11.5, 11, 11, 10,
    ]);
  });

  it('is not moved by two wild answers of five', () => {
    const estimate = new RttEstimate(0.3);
    for (const sample of [10, 10, 900, 10, 900]) estimate.add(sample);
    expect(estimate.rttMs).toBe(10);
  });

  it('reports a step once, and from what', () => {
    const steps = readings(0.3, [10, 10, 10, 10, 10, 40, 40, 40, 40, 40, 40]).map(({ stepFromMs }) => stepFromMs);
    expect(steps.filter((from) => from !== null)).toEqual([10]);
    expect(steps.indexOf(10)).toBe(7);
  });

  it('takes neither a small share nor less than 2 ms for a step', () => {
    expect(readings(0.3, [10, 12.9, 12.9, 12.9, 12.9]).every(({ stepFromMs }) => stepFromMs === null)).toBe(true);
    expect(readings(0.3, [1, 2.9, 2.9, 2.9, 2.9]).every(({ stepFromMs }) => stepFromMs === null)).toBe(true);
  });

  it('reports a slow drift once it adds up to a step', () => {
    const drift = Array.from({ length: 40 }, (_, i) => 20 + i * 0.5);
    const steps = readings(0.3, drift).flatMap(({ stepFromMs }) => (stepFromMs === null ? [] : [stepFromMs]));
    expect(steps[0]).toBe(20);
    expect(steps).toHaveLength(2);
  });

  it('knows nothing before the first sample', () => {
    expect(new RttEstimate(0.3).rttMs).toBeNull();
  });
});
