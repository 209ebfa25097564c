import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pictureEndOf } from '../../../../../src/proxy/exchange/attempt/body/picture-end.ts';

const JPEG_BEGIN = Buffer.from('ffd8ffe000104a464946', 'hex');
/** 0xff stands in compressed data with a zero behind it alone. */
const DATA = Buffer.from(randomBytes(20_000).map((byte) => byte & 0x7f));
const JPEG_END = Buffer.from('ffd9', 'hex');
const PNG_BEGIN = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');

const jpeg = Buffer.concat([JPEG_BEGIN, DATA, JPEG_END]);
const png = Buffer.concat([PNG_BEGIN, DATA, PNG_END]);

function seen(contentType: string, body: Buffer, pieceBytes: number) {
  const end = pictureEndOf(contentType);
  for (let at = 0; at < body.length; at += pieceBytes) end?.take(body.subarray(at, at + pieceBytes));
  return end === null ? null : [end.isForeign, end.isUnfinished];
}

describe.each([1, 5, 4096, 1_000_000])('a picture in pieces of %i bytes', (pieceBytes) => {
  it.each([
    ['image/jpeg', jpeg],
    ['Image/JPG; q=1', Buffer.concat([jpeg, Buffer.alloc(500)])],
    ['image/png', png],
  ])('of %s is whole', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual([false, false]);
  });

  it.each([
    ['image/jpeg', jpeg.subarray(0, -1)],
    ['image/jpeg', JPEG_BEGIN],
    // A small picture for overviews ends within it.
    ['image/jpeg', Buffer.concat([jpeg, DATA])],
    ['image/png', png.subarray(0, -1)],
    ['image/png', png.subarray(0, 5000)],
  ])('of %s is cut off', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual([false, true]);
  });

  it.each([
    ['image/jpeg', Buffer.from('no camera')],
    ['image/jpeg', png],
    ['image/png', jpeg],
    ['image/png', PNG_BEGIN.subarray(0, 4)],
  ])('of %s is none', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual([true, false]);
  });

  it('that is empty, or of another kind, is not looked into', () => {
    expect(seen('image/jpeg', Buffer.alloc(0), pieceBytes)).toEqual([false, false]);
    expect(seen('image/webp', jpeg, pieceBytes)).toBeNull();
  });
});
