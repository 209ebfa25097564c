// Addresses that announcements may and may not point at.

import { describe, expect, it } from 'vitest';
import { createAddressPolicy } from '../../src/placement/address-policy.ts';
import { configFrom } from '../support/config.ts';

const policy = createAddressPolicy({
  allow: ['10.0.0.0/8', '127.0.0.0/8', '::1/128', 'fd00::/8', '192.0.2.7'],
  ownListeners: () => [
    { host: '127.0.0.1', port: 8080 },
    { host: '0.0.0.0', port: 9901 },
  ],
  localAddresses: () => ['127.0.0.1', '10.0.0.7', 'fe80::1%eth0'],
});

describe('the default of placement.allow', () => {
  const allow = configFrom(
    '[node]\nid = "n"\n[[service]]\nname = "s"\nqos.latency = "1s"\n[mqtt]\nurl = "mqtt://127.0.0.1:9"\n',
  ).placement.allow;
  const byDefault = createAddressPolicy({ allow, ownListeners: () => [], localAddresses: () => [] });

  it.each(['100.100.100.200', '::ffff:100.100.100.200', 'fd20:ce::254', 'fd00:ec2::254', 'fd00:42::42'])(
    'holds no metadata service: %s',
    (host) => {
      expect(byDefault.refusal(host, 80)).toMatch(/is a cloud metadata service/);
    },
  );

  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '8.8.8.8', '2001:db8::1'])(
    'holds neither loopback nor what is public: %s',
    (host) => {
      expect(byDefault.refusal(host, 80)).toBe(`address ${host} is outside placement.allow`);
    },
  );

  it('holds private networks', () => {
    for (const host of ['10.0.0.1', '172.31.0.1', '192.168.1.1', '100.64.0.1', 'fd12::1']) {
      expect(byDefault.refusal(host, 80)).toBeNull();
    }
  });
});

describe('createAddressPolicy', () => {
  it.each([
    ['10.1.2.3', 80],
    ['192.0.2.7', 80],
    ['fd00::1', 80],
    ['127.0.0.1', 9000],
    ['::1', 9000],
    ['::ffff:127.0.0.1', 9000],
    ['10.0.0.7', 9000],
  ])('accepts %s port %d', (host, port) => {
    expect(policy.refusal(host, port)).toBeNull();
  });

  it.each([
    ['169.254.169.254', 80, 'address 169.254.169.254 is link-local (RFC 3927)'],
    ['::ffff:169.254.169.254', 80, 'address ::ffff:169.254.169.254 is link-local (RFC 3927)'],
    ['::ffff:a9fe:a9fe', 80, 'address ::ffff:a9fe:a9fe is link-local (RFC 3927)'],
    ['64:ff9b::a9fe:a9fe', 80, 'address 64:ff9b::a9fe:a9fe is an IPv4 address in disguise (RFC 6052)'],
    ['::169.254.169.254', 80, 'address ::169.254.169.254 is an IPv4 address in disguise (RFC 4291)'],
    ['::ffff:0:a9fe:a9fe', 80, 'address ::ffff:0:a9fe:a9fe is an IPv4 address in disguise (RFC 2765)'],
    ['2001::1', 80, 'address 2001::1 is an IPv4 address in disguise (RFC 4380)'],
    ['fd00:ec2::254', 80, 'address fd00:ec2::254 is a cloud metadata service (AWS)'],
    ['fd00:ec2::23', 80, 'address fd00:ec2::23 is a cloud metadata service (AWS)'],
    ['fe80::1', 80, 'address fe80::1 is link-local (RFC 4291)'],
    ['0.0.0.0', 80, 'address 0.0.0.0 is unspecified (RFC 1122)'],
    ['::', 80, 'address :: is unspecified (RFC 4291)'],
    ['224.0.0.1', 80, 'address 224.0.0.1 is multicast (RFC 5771)'],
    ['255.255.255.255', 80, 'address 255.255.255.255 is reserved (RFC 1112)'],
    ['192.0.2.8', 80, 'address 192.0.2.8 is outside placement.allow'],
    ['2001:db8::1', 80, 'address 2001:db8::1 is outside placement.allow'],
    ['metadata.internal', 80, 'host "metadata.internal" is not an IPv4 or IPv6 address'],
    ['010.0.0.1', 80, 'host "010.0.0.1" is not an IPv4 or IPv6 address'],
    ['[::1]', 80, 'host "[::1]" is not an IPv4 or IPv6 address'],
    ['fd00::1%eth0', 80, 'host "fd00::1%eth0" is not an IPv4 or IPv6 address'],
    ['', 80, 'host "" is not an IPv4 or IPv6 address'],
  ])('refuses %s', (host, port, reason) => {
    expect(policy.refusal(host, port)).toBe(reason);
  });

  it.each([
    ['127.0.0.1', 8080],
    ['127.9.9.9', 9901],
    ['::1', 8080],
    ['10.0.0.7', 8080],
    ['::ffff:10.0.0.7', 8080],
  ])('refuses %s:%d, which is this process', (host, port) => {
    expect(policy.refusal(host, port)).toBe(`address ${host}:${port} is this qedge itself`);
  });

  it('accepts nothing when nothing is allowed', () => {
    const none = createAddressPolicy({ allow: [], ownListeners: () => [], localAddresses: () => [] });
    expect(none.refusal('10.0.0.1', 80)).toBe('address 10.0.0.1 is outside placement.allow');
  });

  it('throws naming an entry that is no CIDR', () => {
    for (const entry of ['10.0.0.0/33', '10.0.0/8', 'host', '::/129', '10.0.0.0/x']) {
      expect(() => createAddressPolicy({ allow: [entry], ownListeners: () => [] })).toThrow(JSON.stringify(entry));
    }
  });
});
