// HPACK as RFC 7541 has it, by its own examples and by what nghttp2 encodes.

import { connect } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HpackDecoder } from '../../../src/proxy/http2/hpack/decoder.ts';
import { encodeFields, encodeStatus } from '../../../src/proxy/http2/hpack/encoder.ts';
import { FieldRole, hpackField } from '../../../src/proxy/http2/hpack/field.ts';
import { decodeHuffman } from '../../../src/proxy/http2/hpack/huffman.ts';
import { framesIn, hpack, PREFACE, TYPE } from '../../support/http2-frames.ts';
import { listening } from '../../support/listening.ts';
import { until } from '../../support/proxy.ts';

const NO_LIMIT = 1_000_000;
/** RFC 9113 section 7. */
const COMPRESSION_ERROR = 9;

type Pair = readonly [string, string];

function pairs(decoder: HpackDecoder, block: Buffer): Pair[] {
  return decoder.decode(block, NO_LIMIT).map(({ name, value }) => [name, value] as const);
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a decoder of field blocks', () => {
  const first: Pair[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ];
  const expected: Pair[][] = [
    first,
    [...first, ['cache-control', 'no-cache']],
    [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ],
  ];

  it.each([
    [
      'without Huffman codes (RFC 7541 appendix C.3)',
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    [
      'with Huffman codes (RFC 7541 appendix C.4)',
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  ])('reads the examples %s', (_, ...blocks) => {
    const decoder = new HpackDecoder();
    expect(blocks.map((block) => pairs(decoder, hex(block)))).toEqual(expected);
  });

  it('evicts what a smaller table has no room for, and keeps the newest', () => {
    const decoder = new HpackDecoder();
    // Two entries of 34 bytes each, then a table of 40.
    pairs(decoder, hex('4001 6101 31 4001 6201 32'));
    expect(pairs(decoder, hex('3f09 be'))).toEqual([['b', '2']]);
    expect(() => pairs(decoder, hex('bf'))).toThrow('no entry 63');
  });

  it.each([
    ['an index of nothing', '80'],
    ['an index behind all tables', 'be'],
    ['a name behind all tables', '7f00 0131'],
    ['a table larger than it may be', '3fe2 1f'],
    ['a change of the table behind a field', '82 20'],
    ['an integer without its end', 'ffff'],
    ['an integer beyond all limits', 'ff ffffffff ffffffff 7f'],
    ['a string longer than the block', '0005 6162'],
    ['a string without its length', '0001 61'],
    ['a code for the end of a string', '0001 61 84 ffff ffff'],
    ['padding of more than seven bits', '0001 61 82 1fff'],
    ['padding with zeros', '0001 61 81 18'],
  ])('refuses %s', (_, block) => {
    expect(() => pairs(new HpackDecoder(), hex(block))).toThrow(
      expect.objectContaining({ code: COMPRESSION_ERROR }) as Error,
    );
  });

  it('reads beyond the limit of a list, and keeps nothing of it', () => {
    const decoder = new HpackDecoder();
    const kept = decoder.decode(hex('4001 6101 31 4001 6201 32'), 40);
    expect([kept.length, decoder.tooLarge]).toEqual([1, true]);
    expect(pairs(decoder, hex('be bf'))).toEqual([
      ['b', '2'],
      ['a', '1'],
    ]);
  });

  it('never throws anything but an error of compression', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), (blocks) => {
        const decoder = new HpackDecoder();
        for (const block of blocks) {
          try {
            decoder.decode(Buffer.from(block), NO_LIMIT);
          } catch (error) {
            expect(error).toMatchObject({ code: COMPRESSION_ERROR });
          }
        }
      }),
    );
  });

  it('reads what nghttp2 encodes, request after request', async () => {
    const name = fc.stringMatching(/^x-[a-z0-9_.-]{0,12}$/);
    const value = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[ -~\x80-\xff]{0,80}[!-~\x80-\xff])?)?$/);
    const request = fc.uniqueArray(fc.tuple(name, value), { maxLength: 12, selector: ([one]) => one });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
        const decoder = new HpackDecoder();
        const seen = (await blocksOf(requests)).map((block) =>
          pairs(decoder, block).filter(([field]) => field.startsWith('x-')),
        );
        expect(seen).toEqual(requests);
      }),
      { numRuns: 20 },
    );
  });
});

/** The field blocks that a client of node:http2 sends. */
async function blocksOf(requests: readonly (readonly Pair[])[]): Promise<Buffer[]> {
  let bytes = Buffer.alloc(0);
  let accepted: Socket | null = null;
  const server = createServer((socket) => {
    accepted = socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
    });
  });
  onTestFinished(() => void server.close());
  const client = connect(`http://127.0.0.1:${await listening(server)}`);
  client.on('error', () => {});
  for (const fields of requests) client.request(Object.fromEntries(fields)).on('error', () => {});
  const heads = () => framesIn(bytes.subarray(PREFACE.length)).filter(({ type }) => type === TYPE.headers);
  await until(() => heads().length === requests.length);
  client.destroy();
  (accepted as Socket | null)?.destroy();
  server.close();
  return heads().map(({ payload }) => payload);
}

describe('an encoder of field blocks', () => {
  it('says what a decoder reads, in lower case, without what is about the connection', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/);
    const value = fc.stringMatching(/^[\x20-\xff]{0,300}$/);
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), fc.array(fc.tuple(name, value)), (status, fields) => {
        const block = encodeStatus(status) + encodeFields([...fields.flat(), 'Connection', 'close', 'Upgrade', 'x']);
        expect(pairs(new HpackDecoder(), Buffer.from(block, 'latin1'))).toEqual([
          [':status', String(status)],
          ...fields.map(([one, text]) => [one.toLowerCase(), text]),
        ]);
      }),
    );
  });

  it('says a long value with its length in several bytes', () => {
    const block = encodeFields(['X-Long', 'y'.repeat(70_000)]);
    expect(pairs(new HpackDecoder(), Buffer.from(block, 'latin1'))).toEqual([['x-long', 'y'.repeat(70_000)]]);
  });

  it('says that secrets are never indexed, and of nothing else', () => {
    const firsts = ['Authorization', 'cookie', 'set-cookie', 'accept', 'x-a'].map((one) =>
      encodeFields([one, 'b']).charCodeAt(0),
    );
    expect(firsts.map((first) => (first & 0xf0) === 0x10)).toEqual([true, true, true, false, false]);
    const block = Buffer.from(encodeFields(['Authorization', 'b', 'cookie', 'c']), 'latin1');
    expect(pairs(new HpackDecoder(), block)).toEqual([
      ['authorization', 'b'],
      ['cookie', 'c'],
    ]);
  });
});

describe('the Huffman code', () => {
  it('has a code for each byte that nothing else begins with', () => {
    // Each byte alone in 32 bits of padding decodes to itself, once.
    const decoded = new Set<string>();
    for (let bits = 0; bits < 2 ** 16; bits++) {
      const text = decodeHuffman(Buffer.from([bits >> 8, bits & 255]), 0, 2);
      if (text !== null) decoded.add(text.slice(0, 1));
    }
    // Those with codes of up to 16 bits.
    expect(decoded.size).toBeGreaterThan(90);
    expect(decodeHuffman(hex('f1e3 c2e5 f23a 6ba0 ab90 f4ff'), 0, 12)).toBe('www.example.com');
  });
});

describe('a field', () => {
  it.each([
    ['x-a', 'b', FieldRole.ordinary],
    ['X-A', 'b', FieldRole.malformed],
    ['', 'b', FieldRole.malformed],
    ['x a', 'b', FieldRole.malformed],
    ['x-a', ' b', FieldRole.badValue],
    ['x-a', 'b\t', FieldRole.badValue],
    ['x-a', 'b\0', FieldRole.badValue],
    ['x-a', '', FieldRole.ordinary],
    [':path', '/a b', FieldRole.malformed],
    [':path', '', FieldRole.malformed],
    [':path', 'a', FieldRole.malformed],
    [':path', '/a?b', FieldRole.path],
    [':method', 'GET /', FieldRole.malformed],
    [':authority', 'a b', FieldRole.malformed],
    [':status', '200', FieldRole.status],
    [':status', '20', FieldRole.malformed],
    [':other', '1', FieldRole.malformed],
    ['te', 'trailers', FieldRole.ordinary],
    ['te', 'gzip', FieldRole.malformed],
    ['transfer-encoding', 'chunked', FieldRole.malformed],
    ['content-length', '12', FieldRole.contentLength],
    ['content-length', '+12', FieldRole.malformed],
  ])('%j: %j is known for what it is', (name, value, role) => {
    expect(hpackField(name, value).role).toBe(role);
  });

  it('that is never indexed is read as well', () => {
    expect(pairs(new HpackDecoder(), hpack([['x-a', 'b']]))).toEqual([['x-a', 'b']]);
  });
});
