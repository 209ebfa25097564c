import { createHash } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type BodyCheck,
  type ContentForm,
  contentCheck,
  digestCheck,
} from '../../../../../src/proxy/exchange/attempt/body/body-checks.ts';
import { CheckBudget } from '../../../../../src/proxy/exchange/attempt/body/check-budget.ts';

const HANDLE = 3;

// A busy machine takes time away in the middle of a check, which would be charged to it.
beforeAll(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterAll(() => void vi.useRealTimers());

const text = Buffer.from('{"steering": 0.1, "throttle": 0.7}\n'.repeat(300));

function isBroken(check: BodyCheck | null, body: Buffer): boolean | null {
  for (let at = 0; at < body.length; at += 100) check?.take(body.subarray(at, at + 100));
  return check === null ? null : check.isBroken();
}

const decodes = (coding: string, body: Buffer): boolean | null =>
  isBroken(contentCheck({ contentType: '', contentEncoding: coding }, new CheckBudget(), HANDLE), body);

function changed(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  copy.writeUInt8(copy.readUInt8(copy.length >> 1) ^ 0x55, copy.length >> 1);
  return copy;
}

describe('a compressed body', () => {
  it.each([
    ['br', brotliCompressSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['gzip', gzipSync(text)],
    ['zstd', zstdCompressSync(text)],
  ])('in %s is broken where it is cut off or none at all', (coding, body) => {
    expect(decodes(coding, body)).toBe(false);
    expect(decodes(coding, Buffer.alloc(0))).toBeNull();
    expect(decodes(coding, body.subarray(0, body.length >> 1))).toBe(true);
    expect(decodes(coding, body.subarray(0, -1))).toBe(true);
    expect(decodes(coding, text)).toBe(true);
  });

  it('in a coding that is not known is not judged, whatever its name', () => {
    for (const coding of ['compress', '__proto__', 'constructor']) expect(decodes(coding, text)).toBeNull();
  });

  it.each([
    ['deflate', deflateSync(text)],
    ['gzip', gzipSync(text)],
  ])('in %s is broken where its checksum is another', (coding, body) => {
    expect(decodes(coding, changed(body))).toBe(true);
  });

  it('may have bytes behind its end', () => {
    for (const more of ['more', '\r\n', '\n']) {
      expect(decodes('gzip', Buffer.concat([gzipSync(text), Buffer.from(more)]))).toBe(false);
    }
    expect(decodes('br', Buffer.concat([brotliCompressSync(text), Buffer.from('more')]))).toBe(false);
  });

  it('is judged by the last of its codings', () => {
    const body = brotliCompressSync(gzipSync(text));
    expect(decodes('gzip, br', body)).toBe(false);
    expect(decodes('gzip, br', body.subarray(0, -3))).toBe(true);
    expect(decodes('identity', body)).toBeNull();
    expect(decodes('dcb', body)).toBeNull();
  });

  it('that is long, or becomes long, is not judged', () => {
    const long = Buffer.concat([gzipSync(text).subarray(0, 50), Buffer.alloc(70_000)]);
    expect(decodes('gzip', long)).toBeNull();
    expect(decodes('gzip', gzipSync(Buffer.alloc(2_000_000)).subarray(0, -1))).toBeNull();
  });
});

describe('a body of JSON', () => {
  const JSON_TYPE = 'application/json; charset=utf-8';
  const notJson = Buffer.from("{'steering': 0.1}");

  /** Whether it is found to be none; null: it was not looked into. */
  const isForeign = (form: Partial<ContentForm>, body: Buffer, budget = new CheckBudget()): boolean | null => {
    const check = contentCheck({ contentType: JSON_TYPE, contentEncoding: '', ...form }, budget, HANDLE);
    isBroken(check, body);
    return check === null ? null : check.odd === 'foreign';
  };

  it('is looked into below its coding', () => {
    expect(isForeign({ contentEncoding: 'br' }, brotliCompressSync('{}'))).toBe(false);
    expect(isForeign({ contentEncoding: 'br' }, brotliCompressSync(notJson))).toBe(true);
    expect(isForeign({ contentEncoding: 'br', contentType: 'text/plain' }, brotliCompressSync(notJson))).toBe(false);
    expect(isForeign({ contentEncoding: 'gzip, br' }, brotliCompressSync(gzipSync('{}')))).toBe(false);
  });

  it('is looked into by samples, and each time once it was found to be none', () => {
    const budget = new CheckBudget();
    const look = (body: Buffer) => isForeign({}, body, budget);
    expect(Array.from({ length: 8 }, () => look(Buffer.from('{}'))).filter((found) => found !== null)).toHaveLength(2);
    while (look(notJson) !== true);
    for (let i = 0; i < 8; i++) expect([look(notJson), look(Buffer.from('{}'))]).toEqual([true, false]);
    for (let i = 0; i < 15; i++) look(Buffer.from('{}'));
    expect(look(notJson)).toBeNull();
  });

  it('is an error where it holds the description of one alone', () => {
    const oddOf = (contentType: string, body: string) => {
      const check = contentCheck({ contentType, contentEncoding: 'gzip' }, new CheckBudget(), HANDLE);
      isBroken(check, gzipSync(body));
      return check?.odd;
    };
    expect(oddOf(JSON_TYPE, '{"error": "out of memory"}')).toBe('error');
    expect(oddOf('application/graphql-response+json', '{"errors": [{"message": "x"}]}')).toBe('error');
    expect(oddOf(JSON_TYPE, '{"steering": 0.1}')).toBeNull();
    expect(oddOf('text/plain', '{"error": "out of memory"}')).toBeNull();
  });

  it('is looked into as another text is, for a page of HTML', () => {
    const page = brotliCompressSync('<!doctype html><title>Log in</title>');
    expect(isForeign({ contentEncoding: 'br', contentType: 'text/plain' }, page)).toBe(true);
    expect(isForeign({ contentEncoding: 'br', contentType: 'text/html' }, page)).toBe(false);
  });

  it('is hollow where nothing was compressed', () => {
    const isHollow = (body: Buffer): boolean | undefined => {
      const check = contentCheck({ contentType: JSON_TYPE, contentEncoding: 'gzip' }, new CheckBudget(), HANDLE);
      isBroken(check, body);
      return check?.isHollow;
    };
    expect(isHollow(gzipSync(''))).toBe(true);
    expect(isHollow(gzipSync('{}'))).toBe(false);
  });

  it('that is not JSON by its type is not looked into', () => {
    expect(Array.from({ length: 8 }, () => isForeign({ contentType: 'text/plain' }, notJson))).toEqual(
      Array(8).fill(null),
    );
  });
});

describe('the digest of a body', () => {
  const sha512 = `sha-512=:${createHash('sha512').update(text).digest('base64')}:`;

  it('is compared over all of its pieces', () => {
    const check = () => digestCheck(['Content-Digest', `md5=:AAAA:, ${sha512}`], new CheckBudget(), HANDLE);
    expect(isBroken(check(), text)).toBe(false);
    expect(isBroken(check(), text.subarray(1))).toBe(true);
  });

  it('is none where its algorithm or its form is unknown', () => {
    for (const value of ['sha=:AAAA:', 'sha-256=AAAA', '']) {
      expect(digestCheck(['Content-Digest', value], new CheckBudget(), HANDLE)).toBeNull();
    }
  });
});

describe('the time for checks', () => {
  it('ends, and what was spent comes back with time', () => {
    const budget = new CheckBudget();
    expect(budget.admits(HANDLE)).toBe(true);
    budget.spend(HANDLE, 20.2);
    expect(budget.admits(HANDLE)).toBe(false);
    expect(contentCheck({ contentType: '', contentEncoding: 'br' }, budget, HANDLE)).toBeNull();
    vi.advanceTimersByTime(50);
    expect(budget.admits(HANDLE)).toBe(true);
  });

  it('ends for bodies that began while there was some', () => {
    const budget = new CheckBudget();
    const check = contentCheck({ contentType: '', contentEncoding: 'gzip' }, budget, HANDLE);
    budget.spend(HANDLE, 1e6);
    expect(isBroken(check, text)).toBeNull();
  });

  it('is set apart for an instance that was found out, until sixteen of its answers are whole', () => {
    const budget = new CheckBudget();
    budget.spend(HANDLE, 1e6);
    budget.found(HANDLE, true);
    expect([budget.admits(HANDLE), budget.admits(HANDLE + 1)]).toEqual([true, false]);
    const unknown = deflateSync(text, { dictionary: Buffer.from('steering') });
    expect(isBroken(contentCheck({ contentType: '', contentEncoding: 'deflate' }, budget, HANDLE), unknown)).toBeNull();
    expect(budget.admits(HANDLE)).toBe(true);
    for (let i = 0; i < 15; i++) budget.found(HANDLE, false);
    expect(budget.admits(HANDLE)).toBe(true);
    budget.found(HANDLE, false);
    expect(budget.admits(HANDLE)).toBe(false);
  });
});
