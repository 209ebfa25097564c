import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DepthError, JSON_DEPTH_MAX, parseBoundedJson } from '../../src/core/bounded-json.ts';

const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + 1 + close.repeat(depth);

describe('bounded JSON', () => {
  it('takes what nests as deep as the bound, and refuses one level more', () => {
    expect(parseBoundedJson(nested('[', ']', JSON_DEPTH_MAX))).toBeInstanceOf(Array);
    expect(() => parseBoundedJson(nested('[', ']', JSON_DEPTH_MAX + 1))).toThrow(DepthError);
    expect(() => parseBoundedJson(nested('{"a":', '}', JSON_DEPTH_MAX + 1))).toThrow(DepthError);
  });

  it('does not count brackets inside of strings', () => {
    const text = JSON.stringify(['['.repeat(100), `"\\${'{'.repeat(100)}`, { '[[[["[': '\\' }]);
    expect(parseBoundedJson(text)).toEqual(JSON.parse(text));
  });

  it('reads every value of bounded depth as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseBoundedJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('leaves it to the parser to refuse what is not JSON', () => {
    for (const text of ['', '"', '"\\', '[', ']]]]', '{"a":', 'nul']) {
      expect(() => parseBoundedJson(text)).toThrow(SyntaxError);
    }
  });
});
