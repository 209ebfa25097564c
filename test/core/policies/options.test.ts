import { describe, expect, it } from 'vitest';
import { readOptions } from '../../../src/core/policies/options.ts';

const SPECS = {
  step: { kind: 'duration', defaultMs: 500, minMs: 10, maxMs: 60_000, about: '' },
  share: { kind: 'number', default: 0.5, min: 0, max: 1, about: '' },
  count: { kind: 'integer', default: 3, min: 1, max: 9, about: '' },
  on: { kind: 'boolean', default: true, about: '' },
} as const;

describe('policy options', () => {
  it('have their defaults when nothing is written', () => {
    expect(readOptions(SPECS, {})).toEqual({ values: { step: 500, share: 0.5, count: 3, on: true }, problems: [] });
  });

  it.each([
    ['10ms', 10],
    ['1.5s', 1500],
    ['1m', 60_000],
  ])('read the duration %s as %i ms', (written, ms) => {
    expect(readOptions(SPECS, { step: written }).values.step).toBe(ms);
  });

  it.each([
    ['step', 500],
    ['step', '5'],
    ['step', '2h'],
    ['step', '-1s'],
    ['share', 1.01],
    ['share', Number.NaN],
    ['share', '0.5'],
    ['count', 2.5],
    ['count', 10],
    ['on', 'yes'],
    ['on', null],
  ])('refuse %s = %j, name it, and fall back to the default', (name, given) => {
    const { values, problems } = readOptions(SPECS, { [name]: given });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path).toBe(name);
    expect(problems[0]?.message).toContain(`got ${JSON.stringify(given)}`);
    expect(values).toEqual(readOptions(SPECS, {}).values);
  });

  it('report every mistake at once, names inherited from objects among them', () => {
    const { problems } = readOptions(SPECS, { step: 1, count: 0, toString: 1, steps: 2 });
    expect(problems.map(({ path }) => path).sort()).toEqual(['count', 'step', 'steps', 'toString']);
  });
});
