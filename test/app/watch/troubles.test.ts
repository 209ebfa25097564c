// The causes of trouble, as an operator reads them.

import { describe, expect, it } from 'vitest';
import { type TroubleSources, troublesOf } from '../../../src/app/watch/troubles.ts';

const WELL: TroubleSources = { names: [], broker: null, sources: [], instanceCounts: new Map() };
const BROKER = {
  connected: false,
  url: 'mqtt://broker:1883',
  lastError: null,
  refused: { publish: null, subscribe: null },
  hasRival: false,
  isUnheard: false,
};

describe('the troubles of a node', () => {
  it('are none while all is well', () => {
    expect(troublesOf(WELL)).toEqual([]);
    expect(troublesOf({ ...WELL, broker: { ...BROKER, connected: true, lastError: 'closed' } })).toEqual([]);
  });

  it.each<[string, string, string?]>([
    ['Connection refused: Not authorized', 'mqtt.username and mqtt.password'],
    ['connect ECONNREFUSED 10.0.0.1:1883', 'mqtt.url'],
    ['connection closed', 'mqtts://'],
    [
      'Client network socket disconnected before secure TLS connection was established',
      'mqtt:// instead of mqtts://',
      'mqtts://b',
    ],
    ['read ECONNRESET', 'mqtt:// instead of mqtts://', 'mqtts://b'],
    ['read ECONNRESET', 'does it speak TLS'],
    ['Unexpected server response: 400', 'mqtt:// instead of ws://'],
    ['unable to get local issuer certificate', 'mqtt.ca'],
  ])('name the key behind "%s"', (lastError, key, url = BROKER.url) => {
    const [trouble = ''] = troublesOf({ ...WELL, broker: { ...BROKER, url, lastError } });
    expect(trouble).toContain(lastError);
    expect(trouble).toContain(key);
  });

  it('report two nodes with one id', () => {
    for (const connected of [true, false]) {
      const broker = { ...BROKER, connected, lastError: 'connection closed', hasRival: true };
      expect(troublesOf({ ...WELL, broker })).toEqual([expect.stringContaining('each needs a node.id')]);
    }
  });

  it.each([
    [{ refused: { publish: null, subscribe: 'qedge/v1/nodes/+' } }, 'does not let this node read qedge/v1/nodes/+'],
    [{ refused: { publish: 'qedge/v1/nodes/pi', subscribe: null } }, 'does not let this node write qedge/v1/nodes/pi'],
    [{ isUnheard: true }, 'does not come back'],
  ])('name an access list that is too short: %j', (change, words) => {
    const broker = { ...BROKER, connected: true, ...change };
    const [trouble = ''] = troublesOf({ ...WELL, broker });
    expect(trouble).toContain(words);
    expect(trouble).toContain('access list');
  });

  it('name the services without an instance and the names without an address', () => {
    const names = [{ name: 'pi-9.local', addresses: [], failure: 'no answer in time' }];
    expect(
      troublesOf({
        ...WELL,
        names,
        instanceCounts: new Map([
          ['cam', 0],
          ['yolo', 1],
        ]),
      }),
    ).toEqual([
      'the name "pi-9.local" does not resolve (no answer in time); what is there gets no requests',
      'service "cam" has no instance: its requests get 503 no-instance',
    ]);
  });
});
