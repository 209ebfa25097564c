// What is remembered of others over multicast DNS, by a clock of the test.

import { describe, expect, it } from 'vitest';
import { decodeDns } from '../../../src/net/dns/decode.ts';
import { encodeMulticast } from '../../../src/net/dns/encode.ts';
import type { DnsRecord } from '../../../src/net/dns/message.ts';
import { Neighbours } from '../../../src/placement/source/mdns/neighbours.ts';
import { recordsOf } from '../../../src/placement/source/mdns/service-record.ts';

const recordsFor = (id: string, port = 9000): readonly DnsRecord[] => {
  const named = { service: 's', nodeId: 'pi-1', id, scheme: 'http', host: '10.0.0.1', port } as const;
  const { pointers, service, text, address } = recordsOf({ ...named, labels: {}, profile: null }, 0);
  return [...pointers, service, text, address];
};
const nameOf = (id: string): string => `s ${id} on pi-1._qedge._tcp.local`;
const from = '10.0.0.1';

describe('what is remembered of neighbours', () => {
  it('is whole once its pointer, place, text and address were heard, in any order', () => {
    const neighbours = new Neighbours();
    const [pointer, , service, text, address] = recordsFor('a') as [
      DnsRecord,
      DnsRecord,
      DnsRecord,
      DnsRecord,
      DnsRecord,
    ];
    for (const record of [text, pointer, service]) neighbours.hear([record], { from, nowMs: 0 });
    expect(neighbours.known(1)).toEqual([]);
    // What is missing is asked for.
    expect(neighbours.takeDue(8, 200_000)).toEqual([nameOf('a')]);
    neighbours.hear([address], { from, nowMs: 2 });
    expect(neighbours.known(3)).toMatchObject([{ name: nameOf('a'), host: '10.0.0.1', port: 9000 }]);
  });

  it('is asked for again before its time is over, four times, and then forgotten', () => {
    const neighbours = new Neighbours();
    neighbours.hear(recordsFor('a'), { from, nowMs: 0 });
    const asked = Array.from({ length: 120 }, (_, second) => second).filter(
      (second) => neighbours.takeDue(8, second * 1000).length > 0,
    );
    expect(asked).toEqual([96, 102, 108, 114]);
    expect(neighbours.known(119_999)).toHaveLength(1);
    expect(neighbours.known(120_000)).toEqual([]);
    neighbours.expire(120_000);
    neighbours.hear(recordsFor('a'), { from, nowMs: 130_000 });
    expect(neighbours.known(130_001)).toHaveLength(1);
  });

  it('goes a second after its goodbye, and follows when it moves', () => {
    const neighbours = new Neighbours();
    neighbours.hear(recordsFor('a'), { from, nowMs: 0 });
    neighbours.hear(recordsFor('a', 9001), { from, nowMs: 1 });
    expect(neighbours.known(2)).toMatchObject([{ port: 9001 }]);
    neighbours.hear(
      recordsFor('a', 9001).map((one) => ({ ...one, ttlSeconds: 0 })),
      { from, nowMs: 10 },
    );
    expect([neighbours.known(1_009).length, neighbours.known(1_010).length]).toEqual([1, 0]);
  });

  it('is of so many names of one sender, and other senders have theirs', () => {
    const neighbours = new Neighbours();
    for (let i = 0; i < 2_000; i++) neighbours.hear(recordsFor(`a-${i}`), { from, nowMs: 0 });
    expect(neighbours.known(1)).toHaveLength(1_024);
    neighbours.hear(recordsFor('b'), { from: '10.0.0.2', nowMs: 0 });
    expect(neighbours.known(1)).toHaveLength(1_025);
  });

  it('is no name that is no text, which could not be written again to ask for it', () => {
    const placeholder = 'x'.repeat(63);
    const target = `${placeholder}._qedge._tcp.local`;
    const pointer = { name: '_qedge._tcp.local', ttlSeconds: 120, data: { type: 'PTR', target } } as const;
    const bytes = encodeMulticast({ answers: [pointer, ...recordsFor('a')] });
    bytes.fill(0xff, bytes.indexOf(placeholder), bytes.indexOf(placeholder) + placeholder.length);
    const neighbours = new Neighbours();
    neighbours.hear(decodeDns(bytes).answers, { from, nowMs: 0 });
    expect(neighbours.takeDue(8, 200_000)).toEqual([nameOf('a')]);
  });
});
