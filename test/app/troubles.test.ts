// The causes of trouble, as an operator reads them.

import { describe, expect, it } from 'vitest';
import { type TroubleSources, troublesOf } from '../../src/app/troubles.ts';

const WELL: TroubleSources = { names: [], broker: null, instanceCounts: new Map() };
const BROKER = { connected: false, url: 'mqtt://broker:1883', connects: 0, lastError: null };

describe('the troubles of a node', () => {
  it('are none while all is well', () => {
    expect(troublesOf(WELL)).toEqual([]);
    expect(troublesOf({ ...WELL, broker: { ...BROKER, connected: true, connects: 2, lastError: 'closed' } })).toEqual(
      [],
    );
  });

  it.each([
    ['Connection refused: Not authorized', 'mqtt.username and mqtt.password'],
    ['connect ECONNREFUSED 10.0.0.1:1883', 'mqtt.url'],
    ['connection closed', 'mqtts://'],
    ['unable to get local issuer certificate', 'mqtt.ca'],
  ])('name the key behind "%s"', (lastError, key) => {
    const [trouble = ''] = troublesOf({ ...WELL, broker: { ...BROKER, lastError } });
    expect(trouble).toContain(lastError);
    expect(trouble).toContain(key);
  });

  it('tell of two nodes with one id', () => {
    const lastError = 'broker said goodbye with reason 142';
    const broker = { ...BROKER, connected: true, connects: 5, lastError };
    expect(troublesOf({ ...WELL, broker })).toEqual([expect.stringContaining('do two nodes have one node.id?')]);
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
