import { describe, expect, it } from 'vitest';
import { EventStream } from '../../../../../src/proxy/exchange/attempt/body/event-stream.ts';

describe.each([1, 3, 4096])('a stream of events in pieces of %i bytes', (pieceBytes) => {
  it.each([
    [false, false, ''],
    [false, true, ': welcome\n\n'],
    [false, true, '\n\n: ping\r\n\r\n: ping\r\n\r\n'],
    [true, true, 'data: left'],
    [true, true, 'data: left\r\n'],
    [true, false, 'data: left\n\n'],
    [true, false, '\ufeffdata: left\r\n\r\n'],
    [true, false, ': welcome\r\revent: steer\rdata: left\r\r'],
    [true, false, 'data: left\n\ndata: ri'],
    [true, false, 'data\n\n'],
    [true, true, 'Internal error\n\n'],
    [true, true, 'retry: 3000\n\nid: 1\n\n'],
    [true, true, 'database: left\n\ndat: left\n\n data: left\n\n'],
  ])('has begun: %s, and is hollow: %s, with %j', (begun, isHollow, text) => {
    const stream = new EventStream();
    const body = Buffer.from(text);
    for (let at = 0; at < body.length; at += pieceBytes) stream.take(body.subarray(at, at + pieceBytes));
    expect([stream.begun, stream.isHollow]).toEqual([begun, isHollow]);
  });

  describe.each([1, 3, 64, 4096])('a stream of several events in pieces of %i bytes', (pieceBytes) => {
    const long = `data: ${'left '.repeat(40)}`;

    it.each([
      [false, 'data: left\n\ndata: right\n\n'],
      [false, 'data: left\r\n\r\ndata: right\r\n\r\n'],
      [false, 'data: left\r\rdata: right\r\r'],
      [false, 'data: left\n\ndata: right\r\n\n'],
      [false, 'data: left\n\n: bye'],
      [false, `data: left\n\n${long}\n${long}\n\n`],
      [false, `data: left\n\n${long}\r\n\r\n: bye\r\n`],
      [false, 'data: left\n\nretry: 3000\n'],
      [false, 'data: left\n\nid: 7\nevent: by'],
      [true, 'data: left\n\nid: 7\ndata: ri'],
      [true, 'data: left\n\ndata: ri'],
      [true, 'data: left\n\ndata: right\n'],
      [true, 'data: left\r\n\r\ndata: right\r\n'],
      [true, `data: left\n\n${long}\n\n${long}`],
      [true, `data: left\n\n${long}\n${long}\n`],
    ])('is unfinished: %s, with %j', (isUnfinished, text) => {
      const stream = new EventStream();
      const body = Buffer.from(text);
      for (let at = 0; at < body.length; at += pieceBytes) stream.take(body.subarray(at, at + pieceBytes));
      expect([stream.isHollow, stream.isUnfinished]).toEqual([false, isUnfinished]);
    });
  });
});
