import { describe, expect, it } from 'vitest';
import { type EndedPipe, isBrokenOff } from '../../../src/proxy/websocket/verdict.ts';

const ended = (
  closeCode: number,
  hasMessage: boolean,
  { clientSpoke = true, clientQuietMs = 0, openMs = 10 }: Partial<Omit<EndedPipe, 'said'>> = {},
): boolean => isBrokenOff({ said: { closeCode, hasMessage }, clientSpoke, clientQuietMs, openMs });
const broken = (closeCode: number, hasMessage: boolean, clientQuietMs = 0): boolean =>
  ended(closeCode, hasMessage, { clientQuietMs });

describe('an instance breaks a WebSocket off', () => {
  it.each([1011, 1013, 1014])('with the code %i, no matter what it sent before', (code) => {
    expect([broken(code, false), broken(code, true)]).toEqual([true, true]);
  });

  it.each([1001, 1012])('with the code %i when it sent no message', (code) => {
    expect([broken(code, false), broken(code, true)]).toEqual([true, false]);
  });

  it.each([1000, 1003, 1005, 1008, 1009, 4000])('not with the code %i', (code) => {
    expect([broken(code, false), broken(code, true)]).toEqual([false, false]);
  });

  it.each([1000, 1003, 1005])('with the code %i where nothing was said by either side and it came at once', (code) => {
    const silent = { clientSpoke: false };
    expect([ended(code, false, silent), ended(code, true, silent), ended(code, false)]).toEqual([true, false, false]);
    expect(ended(code, false, { ...silent, openMs: 60_000 })).toBe(false);
    for (const ofClient of [1008, 4401]) expect(ended(ofClient, false, silent)).toBe(false);
  });

  it('without a close frame, unless its client had long been silent', () => {
    expect([broken(0, true), broken(0, true, 60_000)]).toEqual([true, false]);
  });
});
