import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bodyEndOf } from '../../../../../src/proxy/exchange/attempt/body/body-end.ts';

function isTruncated(contentType: string, contentEncoding: string, body: Buffer, pieceBytes = 7): boolean | null {
  const end = bodyEndOf(contentType, contentEncoding);
  for (let at = 0; at < body.length; at += pieceBytes) end?.take(body.subarray(at, at + pieceBytes));
  return end === null ? null : end.truncated;
}

const text = Buffer.from('{"steering": 0.1, "throttle": 0.7}\n'.repeat(300));

describe('the end of a compressed body', () => {
  it.each([Buffer.alloc(0), Buffer.from('x'), text, Buffer.alloc(3_000_000), randomBytes(5000)])(
    'is found in a whole one',
    (body) => {
      for (const pieceBytes of [1, 3, 4096]) expect(isTruncated('', 'gzip', gzipSync(body), pieceBytes)).toBe(false);
    },
  );

  it.each(['\n', '\r\n'])('is found before a line end (%j)', (lineEnd) => {
    const body = Buffer.concat([gzipSync(randomBytes(70_000)), Buffer.from(lineEnd)]);
    for (const pieceBytes of [1, 3, 4096]) expect(isTruncated('', 'gzip', body, pieceBytes)).toBe(false);
  });

  it('is missed in one that is cut off', () => {
    // Random bytes, so that each cut ends in another four: one in hundreds looks like a length.
    const whole = gzipSync(randomBytes(4000));
    let missed = 0;
    for (let bytes = 1; bytes < whole.length; bytes += 13) {
      if (isTruncated('', 'gzip', whole.subarray(0, bytes)) !== true) missed++;
    }
    expect(missed).toBeLessThan(10);
  });

  it('is found behind other codings, of which the last counts', () => {
    const whole = gzipSync(text);
    for (const coding of ['br, gzip', 'gzip, identity', 'gzip , ', 'X-GZIP']) {
      expect(isTruncated('', coding, whole)).toBe(false);
      expect(isTruncated('', coding, whole.subarray(0, 60))).toBe(true);
    }
    expect(isTruncated('', 'gzip, br', whole)).toBeNull();
    expect(isTruncated('', 'identity', whole)).toBe(false);
  });

  it.each([Buffer.alloc(0), Buffer.from('x'), text, Buffer.alloc(3_000_000), randomBytes(300_000)])(
    'is found in Zstandard by frames and blocks',
    (body) => {
      const frame = zstdCompressSync(body);
      const skipped = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
      for (const pieceBytes of [1, 5, 4096]) {
        expect(isTruncated('', 'zstd', Buffer.concat([frame, skipped, frame]), pieceBytes)).toBe(false);
        for (const bytes of [1, 4, 6, frame.length >> 1, frame.length - 1]) {
          expect(isTruncated('', 'zstd', Buffer.concat([frame, frame.subarray(0, bytes)]), pieceBytes)).toBe(true);
        }
      }
    },
  );

  it('is not looked for where the format marks none', () => {
    expect(isTruncated('', 'zstd', text)).toBe(false);
    expect(isTruncated('text/plain', 'br', text)).toBeNull();
    expect(isTruncated('text/plain', '', text)).toBe(false);
  });
});

describe('the end of a body in JSON', () => {
  it.each(['{"a": [1, 2]}', ' [[1], [2]]\r\n', '{}', 'null', '"text', 'no JSON at all {', ''])(
    'is found in %j',
    (body) => {
      for (const type of ['application/json', 'application/vnd.kserve+json; charset=utf-8']) {
        for (const pieceBytes of [1, 4096]) expect(isTruncated(type, '', Buffer.from(body), pieceBytes)).toBe(false);
      }
      expect(isTruncated('application/json', '', Buffer.from(`${body}\0`))).toBe(false);
    },
  );

  it.each(['{"a": [1, 2]', '[{"a": 1}', '{', ' [1, \n', '{"a": "left'])('is missed in %j', (body) => {
    for (const pieceBytes of [1, 4096]) {
      expect(isTruncated('Application/JSON', '', Buffer.from(body), pieceBytes)).toBe(true);
    }
    expect(isTruncated('application/x-ndjson', '', Buffer.from(body))).toBe(false);
  });
});

describe('the end of a body in XML', () => {
  it.each(['<a><b/></a>', '<?xml version="1.0"?>\n<a/>\r\n', '<a/><!-- b -->\0', '', '\ufeff<a/>'])(
    'is found in %j',
    (body) => {
      for (const type of ['application/xml', 'Text/XML; charset=utf-8', 'application/soap+xml', 'image/svg+xml']) {
        for (const pieceBytes of [1, 4096]) expect(isTruncated(type, '', Buffer.from(body), pieceBytes)).toBe(false);
      }
      const wide = Buffer.from(body, 'utf16le');
      expect(isTruncated('text/xml', '', wide)).toBe(false);
    },
  );

  it.each(['<a><b', '<a>text', '<', '<?xml version="1.0"'])('is missed in %j', (body) => {
    for (const pieceBytes of [1, 4096]) expect(isTruncated('text/xml', '', Buffer.from(body), pieceBytes)).toBe(true);
    expect(isTruncated('application/json', '', Buffer.from(body))).toBe(false);
    expect(isTruncated('text/html', '', Buffer.from(body))).toBeNull();
  });
});

describe('the end of a multipart body', () => {
  const whole = Buffer.from('--frame\r\n\r\none\r\n--frame\r\n\r\ntwo\r\n--frame--\r\n');

  it.each(['multipart/mixed; boundary=frame', 'Multipart/Related; type="a"; Boundary="frame"'])(
    'is found by %s',
    (contentType) => {
      for (const pieceBytes of [1, 5, 4096]) expect(isTruncated(contentType, '', whole, pieceBytes)).toBe(false);
      expect(isTruncated(contentType, '', Buffer.concat([whole, Buffer.from('what follows means nothing')]))).toBe(
        false,
      );
      expect(isTruncated(contentType, '', whole.subarray(0, -4))).toBe(true);
    },
  );

  it.each([
    [true, '--frame--'],
    [true, '\r\n--frame--\r\n'],
    [false, '--frame\r\n\r\none\r\n--frame--\r\n'],
    [false, '--frame\r\n\r\none'],
  ])('is all there is: %s, in %j', (isHollow, body) => {
    for (const pieceBytes of [1, 4, 4096]) {
      const end = bodyEndOf('multipart/mixed; boundary=frame', '');
      for (let at = 0; at < body.length; at += pieceBytes) end?.take(Buffer.from(body.slice(at, at + pieceBytes)));
      expect(end?.isHollow).toBe(isHollow);
    }
  });

  it('is not looked for in a stream of pictures', () => {
    expect(isTruncated('multipart/x-mixed-replace; boundary=frame', '', whole.subarray(0, -4))).toBe(false);
  });
});
