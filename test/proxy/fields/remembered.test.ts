import { describe, expect, it } from 'vitest';
import { remembered } from '../../../src/proxy/fields/remembered.ts';

/** What a text of this length means, and for which texts that was asked. */
function lengths(): { readonly of: (text: string) => number; readonly asked: string[] } {
  const asked: string[] = [];
  const of = remembered((text) => {
    asked.push(text);
    return text.length;
  });
  asked.length = 0;
  return { of, asked };
}

describe('what a text means', () => {
  it('is found once for texts that come again, in any order', () => {
    const { of, asked } = lengths();
    for (const text of ['', 'a', 'bb', 'a', 'a', 'bb', 'ü', 'ü', '']) expect(of(text)).toBe(text.length);
    expect(asked).toEqual(['a', 'bb', 'ü']);
  });

  it('is found each time where the text is long', () => {
    const { of, asked } = lengths();
    const long = 'x'.repeat(129);
    for (const text of [long, 'a', long, 'a']) expect(of(text)).toBe(text.length);
    expect(asked).toEqual([long, 'a', long]);
  });

  it('is kept for no more than 32 texts', () => {
    const { of, asked } = lengths();
    const texts = Array.from({ length: 33 }, (_, i) => 'x'.repeat(i + 1));
    for (const text of [...texts, ...texts]) expect(of(text)).toBe(text.length);
    expect(asked.slice(0, 33)).toEqual(texts);
    expect(asked.length).toBeGreaterThan(33);
  });
});
