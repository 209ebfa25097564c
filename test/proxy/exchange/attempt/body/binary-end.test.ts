import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bodyEndOf } from '../../../../../src/proxy/exchange/attempt/body/body-end.ts';

function seen(contentType: string, body: Buffer, pieceBytes: number): readonly unknown[] {
  const end = bodyEndOf(contentType, '');
  for (let at = 0; at < body.length; at += pieceBytes) end?.take(body.subarray(at, at + pieceBytes));
  return [end?.isForeign ?? false, end?.isUnfinished ?? false];
}
const WHOLE = [false, false];
const UNFINISHED = [false, true];

/** No byte in it is one with which a packet of MPEG-TS begins. */
const DATA = Buffer.from(randomBytes(3000).map((byte) => (byte === 0x47 ? 0 : byte)));

/** An archive of one file that is stored as it is. */
function archive(data: Buffer, comment = ''): Buffer {
  const name = Buffer.from('outputs.npy');
  const local = Buffer.alloc(30);
  local.write('PK\x03\x04', 'latin1');
  local.writeUInt32LE(data.length, 18);
  local.writeUInt32LE(data.length, 22);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.write('PK\x01\x02', 'latin1');
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([local, name, data, central, name, end, Buffer.from(comment)]);
}

/** `before`: bytes of each before its first. */
function packetsOf(bytes: number, before = 0): Buffer {
  const packet = Buffer.concat([Buffer.alloc(before), Buffer.from('G'), DATA.subarray(0, bytes - before - 1)]);
  return Buffer.concat(Array.from({ length: 20 }, () => packet));
}
const packets = packetsOf(188);

const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(3000, 7), Buffer.from('\0;')]);
const pdf = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(3000, 7), Buffer.from('\nstartxref\n9\n%%EOF\n')]);

/** A string, bytes, a negative number (ten bytes), eight bytes, four bytes, and a field of number 1000. */
const message = Buffer.concat([
  Buffer.from([0x0a, 5]),
  Buffer.from('model'),
  Buffer.from([0x12, 0xb8, 0x17]),
  DATA,
  Buffer.from([0x18, ...Array.from({ length: 9 }, () => 0xff), 1]),
  Buffer.from([0x21, 1, 2, 3, 4, 5, 6, 7, 8]),
  Buffer.from([0x2d, 1, 2, 3, 4]),
  Buffer.from([0xc0, 0x3e, 0]),
]);

describe.each([1, 7, 4096])('in pieces of %i bytes', (pieceBytes) => {
  it.each([
    ['application/zip', archive(DATA)],
    ['application/x-zip-compressed', archive(DATA, 'made by a camera')],
    ['Application/ZIP', Buffer.concat([archive(DATA), Buffer.from('\r\n')])],
    ['application/zip', archive(archive(DATA))],
    ['application/zip', Buffer.concat([archive(DATA), Buffer.alloc(600)])],
    ['image/gif', gif],
    ['image/gif', Buffer.concat([gif, Buffer.from('behind it')])],
    ['application/pdf', pdf],
    ['application/pdf', Buffer.concat([pdf, Buffer.alloc(5000)])],
    ['image/gif', Buffer.concat([gif, Buffer.alloc(5000)])],
    // Another format than its type says.
    ['image/gif', Buffer.concat([Buffer.from('\x89PNG\r\n', 'latin1'), Buffer.alloc(3000, 7)])],
    ['image/gif', Buffer.alloc(0)],
    ['application/zip', archive(Buffer.alloc(0)).subarray(-22)],
    // A program that unpacks itself.
    ['application/zip', Buffer.concat([Buffer.from('#!/usr/bin/env python3\n'), archive(DATA)])],
    ['video/mp2t', packets],
    ['video/mp2t', packetsOf(192, 4)],
    ['video/mp2t', packetsOf(204)],
    ['video/mp2t', packetsOf(208)],
    // Joined within a packet.
    ['video/mp2t', packets.subarray(50)],
    ['application/x-protobuf', message],
    ['application/protobuf', Buffer.concat([message, message])],
    // A group, which is not read.
    ['application/vnd.google.protobuf', Buffer.from([0x0b, 0xff])],
    ['application/vnd.google.protobuf; proto=a.B; encoding=delimited', Buffer.from([3, 1])],
    ['application/x-protobuf', Buffer.alloc(0)],
    ['application/zip', Buffer.alloc(0)],
  ])('a body of %s is whole', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual(WHOLE);
  });

  it.each([
    ['application/zip', archive(DATA).subarray(0, -1)],
    ['application/zip', archive(DATA).subarray(0, 1000)],
    ['application/zip', archive(DATA, 'made by a camera').subarray(0, -1)],
    ['application/zip', archive(archive(DATA)).subarray(0, -40)],
    ['image/gif', gif.subarray(0, 2000)],
    ['application/pdf', pdf.subarray(0, 2000)],
    ['application/pdf', Buffer.concat([pdf, DATA.subarray(0, 1030)])],
    ['video/mp2t', packets.subarray(0, -1)],
    ['video/mp2t', packetsOf(192, 4).subarray(0, -1)],
    ['application/x-protobuf', message.subarray(0, -1)],
    ['application/x-protobuf', message.subarray(0, 1000)],
    ['application/x-protobuf', message.subarray(0, 1)],
    ['application/x-protobuf', Buffer.from([0x80])],
  ])('one of %s is cut off', (type, body) => {
    expect(seen(type, body, pieceBytes)).toEqual(UNFINISHED);
  });

  it.each([
    ['application/zip', Buffer.from('{"error": 1}')],
    ['image/gif', Buffer.from('<html>')],
    ['application/pdf', Buffer.from('{"error": 1}')],
    ['video/mp2t', Buffer.from('<html>')],
    ['application/x-protobuf', Buffer.from('<html>')],
    ['application/x-protobuf', Buffer.from([0, 1])],
    ['application/x-protobuf', Buffer.alloc(20, 0xff)],
    ['application/x-protobuf', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f])],
  ])('one of %s is none', (type, body) => {
    expect(seen(type, body, pieceBytes)[0]).toBe(true);
  });
});
