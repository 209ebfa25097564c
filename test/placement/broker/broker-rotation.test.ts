import { describe, expect, it } from 'vitest';
import { BrokerRotation } from '../../../src/placement/broker/broker-rotation.ts';

const ALMOST_ONE = 1 - 2 ** -53;
/** Waits are as long as they may be. */
const rotation = (...urls: string[]): BrokerRotation => new BrokerRotation(urls, { next: () => ALMOST_ONE });
const unsupported = Object.assign(new Error('unsupported'), { code: 0x84 });

describe('the rotation of brokers', () => {
  it('tries them in turn, and waits longer with each round', () => {
    const brokers = rotation('mqtt://a', 'mqtt://b');
    const tried = Array.from({ length: 5 }, () => {
      const { url } = brokers;
      return [url, Math.round(brokers.moveOn(0))];
    });
    expect(tried).toEqual([
      ['mqtt://a', 500],
      ['mqtt://b', 1_000],
      ['mqtt://a', 500],
      ['mqtt://b', 2_000],
      ['mqtt://a', 500],
    ]);
  });

  it('begins with the first one again after a connection that held', () => {
    const brokers = rotation('mqtt://a', 'mqtt://b');
    brokers.moveOn(0);
    brokers.moveOn(9_999);
    brokers.moveOn(0);
    expect(brokers.url).toBe('mqtt://b');
    brokers.moveOn(10_000);
    expect(brokers.url).toBe('mqtt://a');
  });

  it('asks a broker in 3.1.1 at once where it does not speak 5, remembers that, and goes back to 5 where it refuses that too', () => {
    const brokers = rotation('mqtt://a', 'mqtt://b');
    expect([brokers.version, brokers.changeVersion(unsupported), brokers.version]).toEqual([5, true, 4]);
    brokers.moveOn(0);
    expect(brokers.version).toBe(5);
    brokers.moveOn(0);
    expect([brokers.url, brokers.version]).toEqual(['mqtt://a', 4]);
    expect([brokers.changeVersion(null), brokers.version]).toEqual([false, 5]);
  });

  it('takes a broker that cannot be reached for none that speaks another version', () => {
    const brokers = rotation('mqtt://a');
    const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect([brokers.changeVersion(away), brokers.version]).toEqual([false, 5]);
  });
});
