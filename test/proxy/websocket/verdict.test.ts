import { describe, expect, it } from 'vitest';
import { isBrokenOff } from '../../../src/proxy/websocket/verdict.ts';

const broken = (closeCode: number, hasMessage: boolean, quietMs = 0): boolean =>
  isBrokenOff({ closeCode, hasMessage }, quietMs);

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

  it('without a close frame, unless its client had long been silent', () => {
    expect([broken(0, true), broken(0, true, 60_000)]).toEqual([true, false]);
  });
});
