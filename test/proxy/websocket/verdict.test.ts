import { describe, expect, it } from 'vitest';
import { type BadEnd, badEndOf, type EndedPipe } from '../../../src/proxy/websocket/verdict.ts';

const ended = (
  closeCode: number,
  hasMessage: boolean,
  { clientSpoke = true, clientQuietMs = 0, openMs = 10 }: Partial<Omit<EndedPipe, 'said'>> = {},
): BadEnd | null => badEndOf({ said: { closeCode, hasMessage, isInvalid: false }, clientSpoke, clientQuietMs, openMs });
const broken = (closeCode: number, hasMessage: boolean, clientQuietMs = 0): boolean =>
  ended(closeCode, hasMessage, { clientQuietMs, openMs: 60_000 }) === 'broken-off';

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
    expect([ended(code, false, silent), ended(code, true, silent)]).toEqual(['broken-off', null]);
    expect(ended(code, false, { ...silent, openMs: 60_000 })).toBeNull();
  });

  it.each([1000, 1008, 4401])(
    'with the code %i beside the others, where it says nothing to its client and ends at once',
    (code) => {
      expect([ended(code, false), ended(code, true), ended(code, false, { openMs: 60_000 })]).toEqual([
        'hollow',
        null,
        null,
      ]);
    },
  );

  it.each([1008, 4401])('with the code %i beside the others, which may be about its client', (code) => {
    expect(ended(code, false, { clientSpoke: false })).toBe('hollow');
  });

  it('beside the others with a frame at which its client has to give up', () => {
    const said = { closeCode: 0, hasMessage: true, isInvalid: true };
    expect(badEndOf({ said, clientSpoke: true, clientQuietMs: 0, openMs: 60_000 })).toBe('hollow');
  });

  it('without a close frame, unless its client had long been silent', () => {
    expect([broken(0, true), broken(0, true, 60_000)]).toEqual([true, false]);
  });
});
