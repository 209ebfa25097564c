// What systemd hands over, read from the environment it sets.

import { describe, expect, it } from 'vitest';
import { inheritedSockets } from '../../src/systemd/sockets.ts';

describe('inherited sockets', () => {
  it('groups descriptors by the name of their socket, from 3 on', () => {
    const env = { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'proxy:admin:proxy' };
    expect([...inheritedSockets(env, 7)]).toEqual([
      ['proxy', [3, 5]],
      ['admin', [4]],
    ]);
  });

  it('takes nothing that was meant for another process', () => {
    expect(inheritedSockets({ LISTEN_PID: '8', LISTEN_FDS: '1' }, 7).size).toBe(0);
    expect(inheritedSockets({}, 7).size).toBe(0);
  });

  it('calls sockets without a name unknown', () => {
    expect([...inheritedSockets({ LISTEN_PID: '7', LISTEN_FDS: '2' }, 7)]).toEqual([['unknown', [3, 4]]]);
  });

  it('takes no senseless number of them', () => {
    expect(inheritedSockets({ LISTEN_PID: '7', LISTEN_FDS: '99999999' }, 7).get('unknown')).toHaveLength(4096);
    expect(inheritedSockets({ LISTEN_PID: '7', LISTEN_FDS: 'abc' }, 7).size).toBe(0);
  });

  it('leaves nothing in the environment for child processes', () => {
    const env = { LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'proxy', PATH: '/bin' };
    inheritedSockets(env, 7);
    expect(env).toEqual({ PATH: '/bin' });
  });
});
