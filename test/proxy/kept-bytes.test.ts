import { describe, expect, it } from 'vitest';
import { KeptBytes } from '../../src/proxy/kept-bytes.ts';

/** Bytes that are really held: of whole array buffers, each once. */
function heldBytes(kept: KeptBytes): number {
  const buffers = new Set(kept.pieces().map(({ buffer }) => buffer));
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

describe('bytes that are kept', () => {
  it('are the very piece when one came whole', () => {
    const kept = new KeptBytes();
    const piece = Buffer.alloc(100, 'x');
    kept.add(piece);
    expect(kept.whole()).toBe(piece);
  });

  it('stay in order, at any size of their pieces', () => {
    const kept = new KeptBytes();
    const all: Buffer[] = [];
    for (let i = 0; i < 300; i++) {
      const piece = Buffer.alloc(i % 7 === 0 ? 5000 : i % 40, i);
      all.push(Buffer.from(piece));
      kept.add(piece);
    }
    expect(kept.length).toBe(Buffer.concat(all).length);
    expect(kept.whole().equals(Buffer.concat(all))).toBe(true);
    expect(Buffer.concat(kept.pieces()).equals(Buffer.concat(all))).toBe(true);
  });

  it('cost about what they hold when they come one by one', () => {
    const kept = new KeptBytes();
    for (let i = 0; i < 65_536; i++) kept.add(Buffer.from([i]));
    expect(kept.pieces().length).toBeLessThan(20);
    expect(heldBytes(kept)).toBeLessThan(2 * 65_536);
  });

  it('do not keep the read alive that they are a small part of', () => {
    const kept = new KeptBytes();
    for (let i = 0; i < 100; i++) kept.add(Buffer.alloc(65_536).subarray(0, 1));
    expect(heldBytes(kept)).toBeLessThan(4096);
  });

  it('are gone once they are cleared', () => {
    const kept = new KeptBytes();
    for (let i = 0; i < 10; i++) kept.add(Buffer.alloc(5000));
    kept.clear();
    expect([kept.length, kept.pieces().length]).toEqual([0, 0]);
    kept.add(Buffer.from('again'));
    expect(kept.whole().toString()).toBe('again');
  });
});
