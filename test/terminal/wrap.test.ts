import { describe, expect, it } from 'vitest';
import { wrapWords } from '../../src/terminal/wrap.ts';

const wrap = (text: string, width: number): readonly string[] =>
  wrapWords(text.split(' '), { width, first: '* ', hanging: '  ' });

describe('a text', () => {
  it('is broken between words, and what follows hangs below its beginning', () => {
    expect(wrap('passed over after three misses', 16)).toEqual(['* passed over', '  after three', '  misses']);
    expect(wrap('passed over', 13)).toEqual(['* passed over']);
  });

  it('keeps a word that is too long for any line whole', () => {
    expect(wrap('see http://127.0.0.1:9901/api now', 10)).toEqual(['* see', '  http://127.0.0.1:9901/api', '  now']);
  });
});
