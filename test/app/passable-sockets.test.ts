import { describe, expect, it } from 'vitest';
import { passableSockets, unusedSockets } from '../../src/app/passable-sockets.ts';

const FIXED = { host: '127.0.0.1', port: 9901 };
const inherited = new Map([
  ['proxy', [3, 4]],
  ['admin', [5]],
]);

describe('the sockets that another process could serve on', () => {
  it('are all that were inherited, when there is one for each port', () => {
    expect(passableSockets(inherited, { proxy: ['proxy'], admin: FIXED })).toBe(inherited);
  });

  it('are none when a service has a port that was opened here', () => {
    expect(passableSockets(inherited, { proxy: ['proxy', 'pilotnet'], admin: FIXED })).toBeNull();
  });

  it('need the admin port, unless it is left to the system', () => {
    const proxyAlone = new Map([['proxy', [3]]]);
    expect(passableSockets(proxyAlone, { proxy: ['proxy'], admin: FIXED })).toBeNull();
    expect(passableSockets(proxyAlone, { proxy: ['proxy'], admin: { ...FIXED, port: 0 } })).toBe(proxyAlone);
  });

  it('are none where nothing was inherited', () => {
    expect(passableSockets(new Map(), { proxy: ['proxy'], admin: { ...FIXED, port: 0 } })).toBeNull();
  });
});

it('inherited sockets of other names than those of listeners are unused', () => {
  const named = new Map([...inherited, ['qedge.socket', [6]]]);
  expect(unusedSockets(named, [{ name: 'proxy' }, { name: 'admin' }])).toEqual(['qedge.socket']);
  expect(unusedSockets(inherited, [{ name: 'proxy' }, { name: 'admin' }, { name: 'pilotnet' }])).toEqual([]);
});
