import { describe, expect, it } from 'vitest';
import { EventStream, StreamEnds } from '../../../../../src/proxy/exchange/attempt/body/event-stream.ts';

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
    [true, true, 'data: [DONE]\n\n'],
    [true, true, 'data:[DONE]\r\n\r\n'],
    [true, false, 'data: [DONE]\n\ndata: left\n\n'],
    [true, false, 'data: [DONE]\ndata: left\n\n'],
    [true, false, 'data: left\ndata: [DONE]\n\n'],
    [true, false, 'data: [DONE].\n\n'],
    [true, false, 'data:\n\n'],
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
      [false, 'data: left\n\ndata: [DONE]'],
      [false, 'data: left\r\n\r\ndata: [DONE]\r\n'],
      [true, 'data: left\n\ndata: [DONE'],
      [true, 'data: left\n\nid: 7\ndata: ri'],
      [true, 'data: left\n\ndata: ri'],
      [true, 'data: left\n\ndata: right\n'],
      [true, 'data: left\r\n\r\ndata: right\r\n'],
      [true, `data: left\n\n${long}\n\n${long}`],
      [true, `data: left\n\n${long}\n${long}\n`],
      [true, 'data: left\r\rdata: {"error":\rdata: {"message": "out of memory"}}\r\r'],
      [true, 'data: {"error": "out of memory"}\n\ndata: [DONE]\n\n'],
      [false, 'data: {"error": "lane lost"}\n\ndata: left\n\n'],
      [false, 'data: {"timestamp": 1, "error": "disk full"}\n\n'],
      [false, 'data: {"error": null, "steering": 0}\n\n'],
    ])('is unfinished: %s, with %j', (isUnfinished, text) => {
      const stream = new EventStream();
      const body = Buffer.from(text);
      for (let at = 0; at < body.length; at += pieceBytes) stream.take(body.subarray(at, at + pieceBytes));
      expect([stream.isHollow, stream.isUnfinished]).toEqual([false, isUnfinished]);
    });
  });
});

describe('streams of one service', () => {
  const streamOf = (text: string, pieceBytes: number): EventStream => {
    const stream = new EventStream();
    const body = Buffer.from(text);
    for (let at = 0; at < body.length; at += pieceBytes) stream.take(body.subarray(at, at + pieceBytes));
    return stream;
  };

  it.each([1, 5, 4096])('lack their end where others say that they are over, in pieces of %i bytes', (pieceBytes) => {
    const ends = new StreamEnds();
    const lacksEnd = (text: string): boolean => ends.lacksEnd(streamOf(text, pieceBytes));
    const tokens = 'data: {"token": "a"}\n\ndata: {"token": "b"}\n\n';
    expect(lacksEnd(tokens)).toBe(false);
    expect(lacksEnd(`${tokens}data: [DONE]\n\n`)).toBe(false);
    expect(lacksEnd(`${tokens}data:[DONE]\r\n\r\n`)).toBe(false);
    expect(lacksEnd('data: [DONE]\n\n')).toBe(false);
    expect(lacksEnd(tokens)).toBe(true);
    expect(lacksEnd(`${tokens}data: [DONE`)).toBe(true);
    expect(lacksEnd(`${tokens}data: "[DONE]"\n\n`)).toBe(true);
    expect(lacksEnd(`${tokens}data: [DONE]\n\n: bye\n\n`)).toBe(false);
  });

  it.each([
    [true, '{"choices": [{"delta": {"content": "a"}, "finish_reason": null}]}'],
    [false, '{"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}'],
    [
      false,
      `{"choices":[{"finish_reason":"stop"}]}\n\ndata: {"choices":[],"usage":{${'"prompt_tokens":7,'.repeat(30)}"a":1}}`,
    ],
    [true, '{"content": "a", "stop": false}'],
    [false, '{"content": "", "stop": true}'],
    [false, '{"type": "message_stop"}'],
    [false, '{"event": "message_end", "metadata": {}}'],
    [false, '{}\n\nevent: done\ndata: {}'],
    [true, '{}\n\nevent: token\ndata: {}'],
  ])('lack no end where they say why they are over: %s, with %s', (lacks, last) => {
    const ends = new StreamEnds();
    expect(ends.lacksEnd(streamOf('data: a\n\ndata: [DONE]\n\n', 5))).toBe(false);
    expect(ends.lacksEnd(streamOf(`data: a\n\ndata: ${last}\n\n`, 5))).toBe(lacks);
  });

  it.each([
    [true, 'event: error\ndata: {"message": "x"}\n\n'],
    [true, 'data: left\n\nevent:error\r\ndata: out of memory\r\n\r\ndata: [DONE]\r\n\r\n'],
    [false, 'event: errors\ndata: 0\n\n'],
    [false, 'event: error\ndata: {"ts": 1, "message": "disk full"}\n\n'],
    [false, 'event: left\ndata: event: error\n\n'],
  ])('fail with an event of that name: %s, with %j', (fails, text) => {
    for (const pieceBytes of [1, 7, 4096]) expect(new StreamEnds().lacksEnd(streamOf(text, pieceBytes))).toBe(fails);
  });

  it('fail with none where they go on behind one', () => {
    const ends = new StreamEnds();
    const failure = 'event: info\ndata: up\n\nevent: error\ndata: disk full\n\n';
    expect(ends.lacksEnd(streamOf(failure, 7))).toBe(true);
    expect(ends.lacksEnd(streamOf(`${failure}event: info\ndata: up\n\n`, 7))).toBe(false);
    expect(ends.lacksEnd(streamOf(failure, 7))).toBe(false);
    expect(streamOf('data: {"error": "out of memory"}\n\n', 7).isUnfinished).toBe(true);
  });
});
