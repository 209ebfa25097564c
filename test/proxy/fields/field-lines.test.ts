import { describe, expect, it } from 'vitest';
import { readDigits } from '../../../src/proxy/fields/field-lines.ts';

describe('a Content-Length', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    ['0020000', 20_000],
    ['999999999999999', 999_999_999_999_999],
  ])('may be %j', (text, length) => {
    expect(readDigits(text)).toBe(length);
  });

  it.each(['', '1234567890123456', '-1', '+1', '1.0', '1e3', '0x10', ' 1', '1 ', '1,1', '１'])(
    'may not be %j',
    (text) => {
      expect(readDigits(text)).toBeNaN();
    },
  );
});
