// DNS messages: what is written is read again, and nothing that a stranger writes does harm.

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { decodeDns } from '../../src/net/dns/decode.ts';
import { encodeMulticast, encodeQuery } from '../../src/net/dns/encode.ts';
import { DnsMessageError, type DnsRecord, escapeLabel, labelsOf } from '../../src/net/dns/message.ts';

const records: readonly DnsRecord[] = [
  { name: 'a.lan', ttlSeconds: 120, flush: true, data: { type: 'A', address: '10.0.0.7' } },
  { name: 'a.lan', ttlSeconds: 2 ** 31, flush: false, data: { type: 'AAAA', address: 'fd00::7:0:0:1' } },
  { name: '_q._tcp.lan', ttlSeconds: 0, flush: false, data: { type: 'PTR', target: 'pi\\.7 on a\\\\b._q._tcp.lan' } },
  { name: 'x.lan', ttlSeconds: 1, flush: false, data: { type: 'SRV', priority: 1, weight: 2, port: 3, target: '' } },
  { name: 'x.lan', ttlSeconds: 1, flush: true, data: { type: 'TXT', texts: ['a=1', 'ü', ''] } },
];

/** `a.lan`, then a record whose name is two bytes. */
const withName = (...name: number[]): Buffer =>
  Buffer.concat([
    Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
    Buffer.from(name),
    Buffer.from([0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 0, 0, 7]),
  ]);

describe('a DNS message', () => {
  it('is read as it was written', () => {
    const message = decodeDns(encodeMulticast({ answers: records.slice(0, 3), additionals: records.slice(3) }));
    expect([...message.answers, ...message.additionals]).toEqual(records);
    expect(decodeDns(encodeQuery(7, { name: 'a.lan', type: 'SRV' }))).toMatchObject({
      id: 7,
      isAnswer: false,
      questions: [{ name: 'a.lan', type: 'SRV' }],
    });
  });

  it('has labels with dots and backslashes in them', () => {
    const labels = ['pi.7 on a\\b', '\\', 'x'];
    expect(labelsOf(labels.map(escapeLabel).join('.'))).toEqual(labels);
  });

  it('is refused where a name points at itself, forwards, or in a circle, or is too long', () => {
    const long = Array.from({ length: 5 }, () => [63, ...new Array<number>(63).fill(97)]).flat();
    for (const name of [
      [0xc0, 12],
      [0xc0, 14],
      [1, 97, 0xc0, 12],
      [0xc0, 99],
      [0x80, 0],
      [...long, 0],
    ]) {
      expect(() => decodeDns(withName(...name))).toThrow(DnsMessageError);
    }
    expect(decodeDns(withName(0xc0, 4)).answers[0]?.name).toBe('');
  });

  it('whose records all point at one long name is read in the time of its bytes', () => {
    const labels = Buffer.concat([...Array.from({ length: 120 }, () => Buffer.from([1, 97])), Buffer.from([0])]);
    const opaque = [0, 99, 0, 1, 0, 0, 0, 0, 0, 0];
    const records = 1_000;
    const head = Buffer.from([0, 0, 0x84, 0, 0, 0, records >> 8, records & 255, 0, 0, 0, 0]);
    const first = Buffer.concat([head, labels, Buffer.from([0, 16, 0, 1, 0, 0, 0, 0, 0, 0])]);
    const others = Array.from({ length: records - 2 }, () => Buffer.from([0xc0, 12, ...opaque]));
    // The last one, of a type that is read, shows that all were read whole.
    const last = Buffer.from([0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 0, 0, 7]);
    const texts = vi.spyOn(Buffer.prototype, 'toString');
    const { answers } = decodeDns(Buffer.concat([first, ...others, last]));
    const made = texts.mock.calls.length;
    texts.mockRestore();
    expect(answers.at(-1)).toMatchObject({ name: Array(119).fill('a').join('.'), data: { address: '10.0.0.7' } });
    expect(made).toBeLessThan(200);
  });

  it('of any bytes, or with any byte changed, is read or refused', () => {
    const good = encodeMulticast({ questions: [{ name: 'a.lan', type: 'ANY' }], answers: records });
    const decode = (bytes: Buffer): void => {
      try {
        decodeDns(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DnsMessageError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decode(Buffer.from(bytes))));
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const bytes = Buffer.from(good);
        bytes[at] = byte;
        decode(bytes.subarray(0, bytes.length - (byte % 7)));
      }),
    );
  });
});
