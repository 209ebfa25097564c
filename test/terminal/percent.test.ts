import { expect, it } from 'vitest';
import { percentText } from '../../src/terminal/percent.ts';

it.each([
  [0, 1, '0.0 %'],
  [0.9734, 1, '97.3 %'],
  [0.9999, 1, '99.9 %'],
  [0.999, 0, '99 %'],
  [1, 1, '100 %'],
  [1.5, 1, '150.0 %'],
])('%d with %i decimal places is %s', (ratio, digits, text) => {
  expect(percentText(ratio, digits)).toBe(text);
});
