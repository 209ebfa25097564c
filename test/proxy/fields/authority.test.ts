import { describe, expect, it } from 'vitest';
import { isAuthority } from '../../../src/proxy/fields/authority.ts';

describe('an authority', () => {
  it.each([
    'pilotnet',
    'pilotnet.edge.local',
    'pilot_net-1.local:8080',
    'pilotnet:',
    '10.0.0.1',
    '10.0.0.1:65535',
    '[::1]',
    '[2001:db8::1]:443',
    '[::ffff:10.0.0.1]:80',
  ])('may be %j', (text) => {
    expect(isAuthority(text)).toBe(true);
  });

  it.each([
    '',
    ':80',
    'a:80:80',
    'a:x',
    'a:65536',
    'a:123456',
    'a:-1',
    'a b',
    'a,b',
    'a;b',
    'a"b',
    "a'b",
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'user@a',
    'a%00b',
    'a%0d%0ab',
    'a\tb',
    'a\x00b',
    'a\xe9b',
    '[::1',
    '::1',
    '[::1]x',
    '[::1]:99999',
    '[1.2.3.4]',
    '[fe80::1%25eth0]',
    '[]',
    'pilotnet";for=1.2.3.4;x="',
  ])('is not %j', (text) => {
    expect(isAuthority(text)).toBe(false);
  });
});
