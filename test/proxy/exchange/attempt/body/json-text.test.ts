import { describe, expect, it } from 'vitest';
import { isJsonText } from '../../../../../src/proxy/exchange/attempt/body/json-text.ts';

describe('a text', () => {
  it.each([
    '{"a": [1, 2]}',
    ' [1]\n',
    'null',
    '\ufeff{}',
    '{"a": 1}\n\0\0',
    '{"a": NaN, "b": [-Infinity]}',
    '',
    '"left"',
  ])('is JSON to a client: %j', (text) => {
    expect(isJsonText(Buffer.from(text))).toBe(true);
  });

  it.each([
    "{'a': None}",
    '[True]',
    '{"a": 1,}',
    '{"a": 1}{"a": 2}',
    '{a: 1}',
    '{"a": "\n"}',
    'left',
    '{"a": {"b": 1}',
  ])('is none: %j', (text) => {
    expect(isJsonText(Buffer.from(text))).toBe(false);
  });

  it('in UTF-16 is not judged', () => {
    expect(isJsonText(Buffer.from("\ufeff{'a'}", 'utf16le'))).toBe(true);
    expect(isJsonText(Buffer.from("{'a'}", 'utf16le'))).toBe(true);
  });
});
