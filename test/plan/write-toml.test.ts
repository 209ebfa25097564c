import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseToml, type TomlTable } from '../../src/config/toml.ts';
import { writeToml } from '../../src/plan/write-toml.ts';

const SCENARIOS = resolve(import.meta.dirname, '../../config/scenarios');

function read(text: string): unknown {
  const { document, problems } = parseToml('written.toml', text, (value) => ({ value }));
  expect(problems).toEqual([]);
  return JSON.parse(JSON.stringify(document?.root));
}

describe('TOML that is written', () => {
  it.each(readdirSync(SCENARIOS))('is read as the same values: %s', (name) => {
    const root = read(readFileSync(resolve(SCENARIOS, name), 'utf8')) as TomlTable;
    expect(read(writeToml(root))).toEqual(root);
  });

  it('is read as the same values of every kind', () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const value = fc.oneof(scalar, fc.array(scalar), fc.array(fc.array(scalar)), fc.dictionary(fc.string(), scalar));
    const table = fc.dictionary(fc.string(), value);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(value, table, fc.array(table))), (root) => {
        expect(read(writeToml(root))).toEqual(JSON.parse(JSON.stringify(root)));
      }),
      { numRuns: 300 },
    );
  });

  it('is none of what TOML has no value for', () => {
    expect(() => writeToml({ a: null })).toThrow('no value of TOML: null');
    expect(() => writeToml({ a: [Number.NaN] })).toThrow('no value of TOML: NaN');
  });
});
