// What loopback is, and when a configuration says that all nodes are one machine.

import { describe, expect, it } from 'vitest';
import { isLoopback, isOneMachine } from '../../src/config/loopback.ts';
import { configFrom } from '../support/config.ts';

describe('loopback', () => {
  it.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', 'localhost', 'LocalHost.', 'api.localhost'])(
    'is %s',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  it.each(['0.0.0.0', '::', '10.0.0.7', '128.0.0.1', '::1%lo', 'pi-7.local', 'notlocalhost', 'localhost.example', ''])(
    'is not %s',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

describe('all nodes', () => {
  it('are one machine where the node and every broker are on loopback', () => {
    expect(isOneMachine('127.0.0.1', ['mqtt://127.0.0.1:1883', 'wss://[::1]:9001', 'mqtts://localhost'])).toBe(true);
  });

  it.each<[string, string | null, string[]]>([
    ['the node has no address', null, ['mqtt://127.0.0.1:1883']],
    ['the node is on the network', '10.0.0.7', ['mqtt://127.0.0.1:1883']],
    ['a broker is on the network', '127.0.0.1', ['mqtt://127.0.0.1:1883', 'mqtt://10.0.0.9']],
    ['a broker has a name that may be anywhere', '127.0.0.1', ['mqtt://broker.local']],
    ['there is no broker', '127.0.0.1', []],
  ])('are not one machine where %s', (_, address, urls) => {
    expect(isOneMachine(address, urls)).toBe(false);
  });

  const allowOf = (address: string, more = ''): readonly string[] =>
    configFrom(
      `[node]\nid = "n"\naddress = "${address}"\n[mqtt]\nurl = "mqtt://127.0.0.1:9"\n[[service]]\nname = "s"\nqos.latency = "1s"\n${more}`,
    ).placement.allow;

  it('have loopback in the default of placement.allow where they are one machine, and in no list that is written', () => {
    expect(allowOf('127.0.0.1')).toEqual(expect.arrayContaining(['10.0.0.0/8', '127.0.0.0/8', '::1/128']));
    expect(allowOf('10.0.0.7')).not.toContain('127.0.0.0/8');
    expect(allowOf('127.0.0.1', '[placement]\nallow = ["10.0.0.0/8"]\n')).toEqual(['10.0.0.0/8']);
  });
});
