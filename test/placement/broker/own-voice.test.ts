import { describe, expect, it } from 'vitest';
import { OwnVoice } from '../../../src/placement/broker/own-voice.ts';

const LIVE = { retained: false, nowMs: 0 };
const RETAINED = { retained: true, nowMs: 0 };

/** A process that is connected and has announced its node, which came back. */
function heard(): OwnVoice {
  const voice = new OwnVoice('b2');
  voice.connected();
  voice.hears('b1', RETAINED);
  voice.announced(0);
  voice.hears('b2', LIVE);
  return voice;
}

describe('another process of the same id', () => {
  it('is not what an earlier life of this one left at the broker, on any connection', () => {
    const voice = heard();
    voice.disconnected('other', 0);
    voice.connected();
    voice.hears('b1', RETAINED);
    expect(voice.hasRival(0)).toBe(false);
  });

  it('is there while its announcement stands instead of the own one', () => {
    const voice = heard();
    voice.hears('b9', LIVE);
    expect(voice.hasRival(1e9)).toBe(true);
    voice.hears('b2', LIVE);
    expect(voice.hasRival(1e9)).toBe(false);
  });

  it('took over the session again and again, until two minutes have passed without it', () => {
    const voice = heard();
    voice.disconnected('taken-over', 0);
    expect(voice.hasRival(0)).toBe(false);
    voice.connected();
    voice.disconnected('taken-over', 1000);
    expect(voice.hasRival(1000)).toBe(true);
    expect(voice.hasRival(200_000)).toBe(false);
  });

  it('put another announcement where this one was, between two connections that ended without a word', () => {
    const voice = heard();
    for (const nowMs of [0, 1000]) {
      voice.disconnected('silent', nowMs);
      voice.connected();
      voice.hears('b9', { retained: true, nowMs });
      voice.hears('b2', { retained: false, nowMs });
    }
    expect(voice.hasRival(1000)).toBe(true);
  });

  it('is not seen in a broker that restarts now and then', () => {
    const voice = heard();
    for (const nowMs of [0, 10_000, 20_000]) {
      voice.disconnected('silent', nowMs);
      voice.connected();
    }
    expect(voice.hasRival(20_000)).toBe(false);
  });
});

describe('an announcement that does not come back', () => {
  it('is missed after a while, as long as the connection lasts', () => {
    const voice = new OwnVoice('b1');
    voice.connected();
    voice.announced(0);
    expect([voice.isUnheard(1000), voice.isUnheard(6000)]).toEqual([false, true]);
    voice.disconnected('other', 6000);
    expect(voice.isUnheard(20_000)).toBe(false);
  });

  it('is not missed once one came', () => {
    const voice = heard();
    voice.announced(1000);
    expect(voice.isUnheard(60_000)).toBe(false);
  });
});
