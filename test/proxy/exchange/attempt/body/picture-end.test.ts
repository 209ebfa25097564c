import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pictureEndOf } from '../../../../../src/proxy/exchange/attempt/body/picture-end.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** 0xff stands in compressed data with a zero behind it alone. */
const DATA = Buffer.from(randomBytes(20_000).map((byte) => byte & 0x7f));

function segment(marker: string, content: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content.length + 2);
  return Buffer.concat([hex(`ff ${marker}`), length, content]);
}

const FRAME = segment('c0', hex('08 0010 0010 01 011100'));
const SCAN = Buffer.concat([segment('da', hex('01 0100 003f00')), DATA]);
const JPEG_END = hex('ffd9');
const small = Buffer.concat([hex('ffd8'), FRAME, SCAN, JPEG_END]);
/** With a small picture for overviews in its head. */
const jpegHead = Buffer.concat([hex('ffd8'), segment('e1', Buffer.concat([Buffer.from('Exif\0\0'), small])), FRAME]);
const jpeg = Buffer.concat([jpegHead, SCAN, JPEG_END]);
/** A progressive one has tables between its scans. */
const progressive = Buffer.concat([jpegHead, SCAN, hex('ff00 ffd0'), segment('c4', hex('00')), SCAN, JPEG_END]);

function chunk(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, Buffer.from(type), content, hex('ae426082')]);
}

const PNG_BEGIN = hex('89504e470d0a1a0a');
const png = Buffer.concat([
  PNG_BEGIN,
  chunk('IDAT', Buffer.concat([chunk('IEND', DATA), DATA])),
  chunk('IEND', hex('')),
]);

/** Its length as it is written; another one where it is not known. */
function riff(kind: string, bytes = DATA.length + 4, mark = 'RIFF'): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  return Buffer.concat([Buffer.from(mark), length, Buffer.from(kind), DATA]);
}

function box(type: string, content: Buffer, bytes = content.length + 8): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return Buffer.concat([length, Buffer.from(type), content]);
}

const film = Buffer.concat([box('ftyp', Buffer.from('isom')), box('moov', box('trak', DATA)), box('mdat', DATA)]);

function seen(contentType: string, body: Buffer, pieceBytes: number) {
  const end = pictureEndOf(contentType);
  for (let at = 0; at < body.length; at += pieceBytes) end?.take(body.subarray(at, at + pieceBytes));
  return end === null ? null : [end.isForeign, end.isUnfinished];
}

describe.each([1, 5, 4096, 1_000_000])('a picture in pieces of %i bytes', (pieceBytes) => {
  it.each([
    ['image/jpeg', jpeg],
    ['Image/JPG; q=1', progressive],
    // Temperatures, or a few seconds of film.
    ['image/jpeg', Buffer.concat([jpeg, DATA])],
    ['image/png', png],
    ['image/png', Buffer.concat([png, DATA])],
    ['image/webp', riff('WEBP')],
    ['audio/wav', riff('WAVE')],
    ['audio/x-wav', Buffer.concat([riff('WAVE'), DATA])],
    // Of programs that do not know how long it will be.
    ['audio/wav', riff('WAVE', 0)],
    ['audio/wav', riff('WAVE', 36)],
    ['audio/wav', riff('WAVE', 1_000_000_036)],
    // It counts its own mark and length in.
    ['audio/wav', riff('WAVE', DATA.length + 12)],
    // The byte that makes it even is missing.
    ['image/webp', riff('WEBP').subarray(0, -1)],
    ['audio/vnd.wave', riff('WAVE', 0xffff_ffff)],
    ['audio/wav', riff('WAVE', 0xffff_ffff, 'RF64')],
    ['video/mp4', film],
    ['video/mp4; codecs="avc1"', film.subarray(0, film.length - DATA.length - 8)],
    ['video/mp4', Buffer.concat([box('moof', DATA), box('mdat', DATA)])],
    ['video/quicktime', Buffer.concat([box('wide', Buffer.alloc(0)), box('mdat', DATA, 0)])],
    ['video/mp4', box('mdat', DATA, 1)],
    ['image/avif', Buffer.concat([box('ftyp', Buffer.from('avif')), box('meta', DATA)])],
    // Of a program that writes lengths as it likes.
    ['image/jpeg', Buffer.concat([hex('ffd8ffe0ffff'), DATA, JPEG_END])],
  ])('of %s is whole', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual([false, false]);
  });

  it.each([
    ['image/jpeg', jpeg.subarray(0, -1)],
    ['image/jpeg', hex('ffd8ffe000104a464946')],
    ['image/jpeg', jpegHead],
    ['image/jpeg', Buffer.concat([jpegHead, SCAN.subarray(0, 1000)])],
    ['image/jpeg', progressive.subarray(0, -9)],
    ['image/png', png.subarray(0, -1)],
    ['image/png', png.subarray(0, 30_000)],
    ['image/webp', riff('WEBP').subarray(0, -10)],
    ['audio/wave', riff('WAVE').subarray(0, 20)],
    ['video/mp4', film.subarray(0, -1)],
    ['audio/mp4', film.subarray(0, 16)],
    ['video/iso.segment', film.subarray(0, 15)],
    ['image/heic', Buffer.from('<!doctype html>')],
  ])('of %s is cut off', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual([false, true]);
  });

  it.each([
    ['image/jpeg', Buffer.from('no camera')],
    ['image/jpeg', png],
    ['image/png', jpeg],
    ['image/png', PNG_BEGIN.subarray(0, 4)],
    ['image/webp', riff('WAVE')],
    ['audio/wav', Buffer.from('{"error": "no voice"}')],
    ['audio/wav', Buffer.from('RIFE and other words')],
  ])('of %s is none', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual([true, false]);
  });

  it.each([
    ['image/jpeg', Buffer.concat([hex('ffd8ffe00003 00 1234'), DATA])],
    ['image/jpeg', Buffer.concat([hex('ffd8ffe00001'), DATA])],
    ['image/png', Buffer.concat([PNG_BEGIN, hex('ffffffff'), DATA])],
  ])('of %s that is no row of segments is not judged', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual([false, false]);
  });

  it('that is empty, or of another kind, is not looked into', () => {
    expect(seen('image/jpeg', Buffer.alloc(0), pieceBytes)).toEqual([false, false]);
    expect(seen('image/gif', jpeg, pieceBytes)).toBeNull();
  });
});
