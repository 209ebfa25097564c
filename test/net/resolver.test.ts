// Names that are kept resolved: asked for ahead of time, and never forgotten because a name server is.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Resolution } from '../../src/net/address-book.ts';
import { NameResolver } from '../../src/net/resolver.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A resolver whose look-ups answer what `answers` says then: addresses, or a reason to fail. */
function harness(answers: Record<string, readonly string[] | string>, ttlMs: number | null = null) {
  const said: [string, Resolution | null][] = [];
  const troubles: [string, string | null][] = [];
  const asked: string[] = [];
  const resolver = new NameResolver({
    onResolution: (name, resolution) => said.push([name, resolution]),
    onTrouble: (name, reason) => troubles.push([name, reason]),
    lookup: async (name) => {
      asked.push(name);
      const answer = answers[name] ?? 'ENOTFOUND';
      if (typeof answer === 'string') throw new Error(answer);
      return { addresses: answer, ttlMs };
    },
  });
  return { resolver, said, troubles, asked };
}

describe('the resolver', () => {
  it('asks for what is named, and not for addresses or the loopback', async () => {
    const { resolver, said, asked } = harness({ 'a.test': ['10.0.0.1'] });
    resolver.watch(['a.test', '10.0.0.9', '::1', 'localhost', 'a.test']);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(['a.test']);
    expect(said).toEqual([
      ['a.test', { kind: 'pending' }],
      ['a.test', { kind: 'known', addresses: ['10.0.0.1'] }],
    ]);
  });

  it.each([
    ['30 s where no time to live is said', null, 24_000],
    ['the time to live', 100_000, 80_000],
    ['five seconds, however short the time to live', 1_000, 4_000],
    ['five minutes, however long the time to live', 86_400_000, 240_000],
  ])('asks again ahead of %s', async (_, ttlMs, againMs) => {
    const { resolver, asked } = harness({ 'a.test': ['10.0.0.1'] }, ttlMs);
    resolver.watch(['a.test']);
    await vi.advanceTimersByTimeAsync(againMs - 1);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(2);
  });

  it('keeps the last addresses while a name cannot be resolved, and reports the trouble once', async () => {
    const answers: Record<string, readonly string[] | string> = { 'a.test': ['10.0.0.1'] };
    const { resolver, said, troubles } = harness(answers);
    resolver.watch(['a.test']);
    await vi.advanceTimersByTimeAsync(0);
    answers['a.test'] = 'no answer in time';
    await vi.advanceTimersByTimeAsync(120_000);
    expect(said).toHaveLength(2);
    expect(resolver.state()).toEqual([{ name: 'a.test', addresses: ['10.0.0.1'], failure: 'no answer in time' }]);
    answers['a.test'] = ['10.0.0.2'];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(said.at(-1)).toEqual(['a.test', { kind: 'known', addresses: ['10.0.0.2'] }]);
    expect(troubles).toEqual([
      ['a.test', 'no answer in time'],
      ['a.test', null],
    ]);
  });

  it('says that a name has no address, and asks for it less and less often', async () => {
    const { resolver, said, asked } = harness({});
    resolver.watch(['dead.test']);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(said.at(-1)).toEqual(['dead.test', { kind: 'failed', reason: 'ENOTFOUND' }]);
    expect(asked.length).toBeLessThan(16);
  });

  it('stops asking for what is not named any more', async () => {
    const { resolver, said, asked } = harness({ 'a.test': ['10.0.0.1'] });
    resolver.watch(['a.test']);
    await vi.advanceTimersByTimeAsync(0);
    resolver.watch([]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toHaveLength(1);
    expect(said.at(-1)).toEqual(['a.test', null]);
  });
});
