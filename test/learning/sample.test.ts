// The sample training: what it averages, and what it does not take for a model.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEMO_NODES } from '../../src/learning/demo.ts';
import { average, WEIGHTS } from '../../src/learning/sample/softmax.ts';
import { decodeWeights, encodeWeights } from '../../src/learning/sample/weights.ts';
import { parseNodes } from '../../src/plan/learning/nodes-file.ts';

describe('the sample training', () => {
  it('has the nodes of the shipped file', () => {
    const file = readFileSync(resolve(import.meta.dirname, '../../config/learning/d13-nodes.csv'), 'utf8');
    expect(parseNodes('demo', DEMO_NODES)).toMatchObject(
      JSON.parse(JSON.stringify(parseNodes('file', file), dropLine)),
    );
  });

  it('weighs each model by its samples', () => {
    const of = (value: number): Float64Array => new Float64Array(WEIGHTS).fill(value);
    expect(
      average([
        { weights: of(1), samples: 300 },
        { weights: of(5), samples: 100 },
      ])[0],
    ).toBe(2);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e9])('takes no model with a weight of %s', (weight) => {
    const weights = new Float64Array(WEIGHTS);
    expect(decodeWeights(encodeWeights(weights))).toEqual(weights);
    weights[3] = weight;
    expect(decodeWeights(encodeWeights(weights))).toBe(`weight 3 is ${weight}`);
    expect(decodeWeights(Buffer.alloc(8))).toMatch(/^expected \d+ bytes, got 8$/);
  });
});

/** Comments move the lines; tables are compared by their text. */
const dropLine = (key: string, value: unknown): unknown => (key === 'line' || value instanceof Map ? undefined : value);
