import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valueAt } from '../../../../src/proxy/exchange/attempt/json-pointer.ts';

const at = (text: string, tokens: readonly string[]): unknown => valueAt(Buffer.from(text), tokens);

/** The same by what JSON.parse makes of the document; only numbers, texts and words are pointed at. */
function byParsing(document: unknown, tokens: readonly string[]): unknown {
  const value = tokens.reduce<unknown>((inner, token, i) => {
    if (Array.isArray(inner) && token === 'length') return i === tokens.length - 1 ? inner.length : undefined;
    return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, token)
      ? (inner as Readonly<Record<string, unknown>>)[token]
      : undefined;
  }, document);
  return typeof value === 'object' && value !== null ? undefined : value;
}

describe('a JSON Pointer', () => {
  const document = JSON.stringify({ a: [{ 'b/c': 7 }], length: 3, list: [1, 2], none: [], 'ä"\\\n': 'x]}' });
  it.each([
    [['a', '0', 'b/c'], 7],
    [['length'], 3],
    [['list', 'length'], 2],
    [['none', 'length'], 0],
    [['none', '0'], undefined],
    [['ä"\\\n'], 'x]}'],
    [['a', 'length', '0'], undefined],
    [['constructor', 'name'], undefined],
    [['list', '-1'], undefined],
    [['list'], undefined],
  ])('%j points at %j', (tokens, value) => expect(at(document, tokens)).toBe(value));

  it('finds what a parser finds, however the document is written', () => {
    const key = fc.oneof(fc.constantFrom('a', 'length', '0', '\u2028"\\'), fc.string({ maxLength: 3 }));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(0, -1.5e3, true, null, '', ',]}"\\', 'ü'),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    const step = fc.oneof(key, fc.constantFrom('0', '1', '2', 'length'));
    fc.assert(
      fc.property(tree, fc.array(step, { maxLength: 4 }), fc.constantFrom(0, 1, '\t\r\n'), (value, tokens, space) => {
        expect(at(JSON.stringify(value, null, space), tokens)).toBe(byParsing(value, tokens));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds nothing, and ends, in what is no JSON or cut off', () => {
    const whole = JSON.stringify({ list: [{ a: '}' }, 2], count: 1 });
    for (let bytes = 0; bytes < whole.length; bytes++) {
      const cut = whole.slice(0, bytes);
      expect([undefined, 2]).toContain(at(cut, ['list', 'length']));
      expect([undefined, 1]).toContain(at(cut, ['count']));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(fc.constantFrom('a', '0', 'length')), (bytes, tokens) => {
        expect(() => valueAt(Buffer.from(bytes), tokens)).not.toThrow();
      }),
    );
  });
});
