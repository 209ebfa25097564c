// What RFC 9113 says of frames that are out of place or out of shape, case by case.

import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { FLAG, frame, frameClient, GET, hpack, POST, PREFACE, TYPE } from '../../../support/http2-frames.ts';
import { startInstance, startProxy, until } from '../../../support/proxy.ts';

const CODE = {
  protocol: 1,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  compression: 9,
  enhanceYourCalm: 11,
} as const;
const WHOLE = FLAG.endHeaders | FLAG.endStream;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.from([0, id]), uint32(value)]);
const settings = (payload: Buffer): Buffer => frame(TYPE.settings, 0, 0, payload);
const get = (id: number, more: typeof GET = []): Buffer => frame(TYPE.headers, WHOLE, id, hpack([...GET, ...more]));
const post = (id: number, more: typeof GET = []): Buffer =>
  frame(TYPE.headers, FLAG.endHeaders, id, hpack([...POST, ...more]));
const data = (id: number, text: string, flags: number = 0): Buffer => frame(TYPE.data, flags, id, text);
const grow = (id: number, by: number): Buffer => frame(TYPE.windowUpdate, 0, id, uint32(by));
/** Depends on `on`, of weight 16. */
const priority = (on: number): Buffer => Buffer.concat([uint32(on), Buffer.from([15])]);
const headerTooLong = (): Buffer => {
  const long = Buffer.alloc(9 + 16_385);
  long.writeUIntBE(16_385, 0, 3);
  return long;
};

/** What a client sees first of how it went wrong: a reset stream, or the end of the connection. */
async function faultOf(frames: readonly Buffer[]): Promise<{ streamId: number; code: number }> {
  const instance = await startInstance((request, response) => {
    request.resume();
    request.on('end', () => response.end('ok'));
  });
  const { port } = await startProxy([{ name: 'svc', ports: [instance.port] }]);
  const client = frameClient(port, frames);
  const faults = () => client.seen().filter(({ type }) => type === TYPE.rstStream || type === TYPE.goaway);
  await until(() => faults().length > 0);
  const [{ type, streamId, payload } = { type: 0, streamId: 0, payload: Buffer.alloc(8) }] = faults();
  return { streamId, code: payload.readUInt32BE(type === TYPE.rstStream ? 0 : 4) };
}

describe('the connection ends with an error for', () => {
  it.each<[string, number, readonly Buffer[]]>([
    ['DATA of no stream', CODE.protocol, [data(0, 'x')]],
    ['DATA of a stream that was not begun', CODE.protocol, [data(1, 'x')]],
    ['more padding than DATA', CODE.protocol, [post(1), data(1, '\x05x', FLAG.padded)]],
    ['HEADERS of no stream', CODE.protocol, [get(0)]],
    ['HEADERS of a stream of ours', CODE.protocol, [get(2)]],
    ['HEADERS of a stream before the last', CODE.protocol, [get(5), get(3)]],
    ['HEADERS that are all padding', CODE.protocol, [frame(TYPE.headers, WHOLE | FLAG.padded, 1, '\x05\0\0\0\0')]],
    ['HEADERS with half a priority', CODE.frameSize, [frame(TYPE.headers, WHOLE | FLAG.priority, 1, '\0\0\0')]],
    ['CONTINUATION behind nothing', CODE.protocol, [frame(TYPE.continuation, FLAG.endHeaders, 1, hpack(GET))]],
    [
      'a frame within a field block',
      CODE.protocol,
      [frame(TYPE.headers, FLAG.endStream, 1, hpack(GET)), frame(TYPE.ping, 0, 0, '12345678')],
    ],
    [
      'CONTINUATION of another stream',
      CODE.protocol,
      [frame(TYPE.headers, 0, 1, hpack(GET)), frame(TYPE.continuation, FLAG.endHeaders, 3)],
    ],
    [
      'CONTINUATION without end',
      CODE.enhanceYourCalm,
      [frame(TYPE.headers, 0, 1, hpack(GET)), ...Array.from({ length: 40 }, () => frame(TYPE.continuation, 0, 1))],
    ],
    [
      'a field block beyond its limit',
      CODE.enhanceYourCalm,
      [
        frame(TYPE.headers, 0, 1, hpack(GET)),
        ...Array.from({ length: 3 }, () => frame(TYPE.continuation, 0, 1, '\0'.repeat(16_000))),
      ],
    ],
    ['a field block that is none', CODE.compression, [frame(TYPE.headers, WHOLE, 1, '\x80')]],
    ['PRIORITY of no stream', CODE.protocol, [frame(TYPE.priority, 0, 0, priority(1))]],
    ['PRIORITY of another length, of an idle stream', CODE.frameSize, [frame(TYPE.priority, 0, 1, '\0\0\0\0')]],
    ['RST_STREAM of no stream', CODE.protocol, [frame(TYPE.rstStream, 0, 0, uint32(8))]],
    ['RST_STREAM of a stream that was not begun', CODE.protocol, [frame(TYPE.rstStream, 0, 1, uint32(8))]],
    ['RST_STREAM of another length', CODE.frameSize, [get(1), frame(TYPE.rstStream, 0, 1, '\0\0\0')]],
    ['SETTINGS of a stream', CODE.protocol, [frame(TYPE.settings, 0, 1)]],
    ['half a setting', CODE.frameSize, [settings(Buffer.from([0, 3, 0]))]],
    ['an acknowledgement with settings', CODE.frameSize, [frame(TYPE.settings, FLAG.ack, 0, setting(3, 1))]],
    ['ENABLE_PUSH of 2', CODE.protocol, [settings(setting(2, 2))]],
    ['INITIAL_WINDOW_SIZE of 2^31', CODE.flowControl, [settings(setting(4, 2 ** 31))]],
    ['MAX_FRAME_SIZE below its minimum', CODE.protocol, [settings(setting(5, 16_383))]],
    ['MAX_FRAME_SIZE above its maximum', CODE.protocol, [settings(setting(5, 2 ** 24))]],
    ['more settings than there are', CODE.enhanceYourCalm, [settings(Buffer.alloc(6 * 100))]],
    ['PUSH_PROMISE', CODE.protocol, [frame(TYPE.pushPromise, FLAG.endHeaders, 1, uint32(2))]],
    ['PING of a stream', CODE.protocol, [frame(TYPE.ping, 0, 1, '12345678')]],
    ['PING of another length', CODE.frameSize, [frame(TYPE.ping, 0, 0, '123456')]],
    ['GOAWAY of a stream', CODE.protocol, [frame(TYPE.goaway, 0, 1, Buffer.alloc(8))]],
    ['half a GOAWAY', CODE.frameSize, [frame(TYPE.goaway, 0, 0, Buffer.alloc(4))]],
    ['a window that grows by nothing', CODE.protocol, [grow(0, 0)]],
    ['a window beyond its limit', CODE.flowControl, [grow(0, 2 ** 31 - 1)]],
    ['WINDOW_UPDATE of another length', CODE.frameSize, [frame(TYPE.windowUpdate, 0, 0, '\0\0\x01')]],
    ['WINDOW_UPDATE of a stream that was not begun', CODE.protocol, [grow(1, 1)]],
    [
      'streams whose windows grow beyond their limit',
      CODE.flowControl,
      [post(1), grow(1, 2 ** 31 - 1 - 65_535), settings(setting(4, 65_536))],
    ],
    ['a frame longer than allowed', CODE.frameSize, [headerTooLong()]],
  ])('%s', async (_, code, frames) => {
    expect(await faultOf(frames)).toEqual({ streamId: 0, code });
  });

  it.each<[string, number, readonly Buffer[]]>([
    ['streams without end', CODE.enhanceYourCalm, Array.from({ length: 257 }, () => get(3))],
    [
      'DATA beyond the window',
      CODE.flowControl,
      [post(3), ...Array.from({ length: 5 }, () => data(3, ' '.repeat(16_384)))],
    ],
  ])('%s behind a GOAWAY of the client', async (_, code, frames) => {
    const { port: instance } = await startInstance(() => {});
    const { port } = await startProxy([{ name: 'svc', ports: [instance] }]);
    const client = frameClient(port, [post(1), frame(TYPE.goaway, 0, 0, Buffer.alloc(8)), ...frames]);
    await once(client.socket, 'end');
    const goaways = client.seen().filter(({ type }) => type === TYPE.goaway);
    expect(goaways.map(({ payload }) => payload.readUInt32BE(4))).toEqual([0, code]);
  });

  it('late DATA of a stream that was reset, beyond what its window had left', async () => {
    const { port } = await startProxy([{ name: 'other', ports: [] }]);
    const late = Array.from({ length: 4 }, () => data(1, ' '.repeat(16_000)));
    // Answered with 404, and reset: 1,535 bytes are left of its window in the end.
    const client = frameClient(port, [post(1), ...late]);
    await until(() => client.seen().some(({ type }) => type === TYPE.rstStream));
    client.socket.write(
      Buffer.concat([...Array.from({ length: 100 }, (_, i) => get(3 + 2 * i)), data(1, ' '.repeat(16_000))]),
    );
    await once(client.socket, 'end');
    expect(client.seen().at(-1)?.payload.readUInt32BE(4)).toBe(CODE.flowControl);
  });

  it('a first frame that is not SETTINGS, and a preface that is none', async () => {
    const { port } = await startProxy([{ name: 'svc', ports: [] }]);
    for (const bytes of [
      Buffer.concat([PREFACE, frame(TYPE.ping, 0, 0, '12345678')]),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'),
    ]) {
      const client = frameClient(port, [], bytes);
      await once(client.socket, 'end');
      expect(client.seen().at(-1)).toMatchObject({ type: TYPE.goaway });
    }
  });
});

describe('a stream is reset, and the connection lives on, for', () => {
  it.each<[string, number, readonly Buffer[]]>([
    ['DATA behind its end', CODE.streamClosed, [post(1), data(1, '', FLAG.endStream), data(1, 'x')]],
    ['HEADERS behind its end', CODE.streamClosed, [post(1, [['content-length', '0']]), data(1, '', 1), get(1)]],
    ['a window that grows by nothing', CODE.protocol, [post(1), grow(1, 0)]],
    ['a window beyond its limit', CODE.flowControl, [post(1), grow(1, 2 ** 31 - 1)]],
    ['PRIORITY of another length', CODE.frameSize, [post(1), frame(TYPE.priority, 0, 1, '\0\0\0\0')]],
    ['PRIORITY that depends on itself', CODE.protocol, [post(1), frame(TYPE.priority, 0, 1, priority(1))]],
    [
      'HEADERS that depend on themselves',
      CODE.protocol,
      [frame(TYPE.headers, WHOLE | FLAG.priority, 1, Buffer.concat([priority(1), hpack(GET)]))],
    ],
    ['trailers that do not end it', CODE.protocol, [post(1), frame(TYPE.headers, FLAG.endHeaders, 1, hpack([]))]],
    ['trailers with a pseudo-header field', CODE.protocol, [post(1), frame(TYPE.headers, WHOLE, 1, hpack(GET))]],
    ['an upper-case name', CODE.protocol, [get(1, [['X-A', 'b']])]],
    ['an unknown pseudo-header field', CODE.protocol, [get(1, [[':x', 'b']])]],
    ['one of an answer', CODE.protocol, [get(1, [[':status', '200']])]],
    ['one behind the others', CODE.protocol, [frame(TYPE.headers, WHOLE, 1, hpack([['a', 'b'], ...GET]))]],
    ['one that is there twice', CODE.protocol, [get(1, [[':path', '/']])]],
    ['none for the path', CODE.protocol, [frame(TYPE.headers, WHOLE, 1, hpack(GET.filter(([n]) => n !== ':path')))]],
    [
      'none for the scheme',
      CODE.protocol,
      [frame(TYPE.headers, WHOLE, 1, hpack(GET.filter(([n]) => n !== ':scheme')))],
    ],
    [
      'none for the method',
      CODE.protocol,
      [frame(TYPE.headers, WHOLE, 1, hpack(GET.filter(([n]) => n !== ':method')))],
    ],
    ['a field about the connection', CODE.protocol, [get(1, [['connection', 'keep-alive']])]],
    ['TE of anything but trailers', CODE.protocol, [get(1, [['te', 'gzip']])]],
    [
      'two lengths',
      CODE.protocol,
      [
        post(1, [
          ['content-length', '1'],
          ['content-length', '1'],
        ]),
      ],
    ],
    ['a body shorter than it was said to be', CODE.protocol, [post(1, [['content-length', '5']]), data(1, 'four', 1)]],
    ['a body longer than it was said to be', CODE.protocol, [post(1, [['content-length', '3']]), data(1, 'four', 1)]],
    [
      'trailers before a body is whole',
      CODE.protocol,
      [post(1, [['content-length', '5']]), frame(TYPE.headers, WHOLE, 1, hpack([['x-a', 'b']]))],
    ],
    [
      'fields beyond their limit',
      CODE.enhanceYourCalm,
      [
        get(
          1,
          Array.from({ length: 600 }, () => ['x', 'y'] as const),
        ),
      ],
    ],
  ])('%s', async (_, code, frames) => {
    expect(await faultOf(frames)).toEqual({ streamId: 1, code });
  });

  it('each frame of DATA behind its end, if there are more', async () => {
    const instance = await startInstance((_request, response) => response.end('ok'));
    const { port } = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const client = frameClient(port, [post(1), data(1, '', FLAG.endStream), data(1, 'x'), data(1, 'y'), get(3)]);
    await until(() => client.seen().some(({ type, streamId }) => type === TYPE.data && streamId === 3));
    const faults = client.seen().filter(({ type }) => type === TYPE.rstStream || type === TYPE.goaway);
    expect(faults.map(({ type, streamId, payload }) => [type, streamId, payload.readUInt32BE(0)])).toEqual([
      [TYPE.rstStream, 1, CODE.streamClosed],
      [TYPE.rstStream, 1, CODE.streamClosed],
    ]);
  });

  it('more streams at once than are allowed', async () => {
    const frames = Array.from({ length: 257 }, (_, i) => post(2 * i + 1));
    expect(await faultOf(frames)).toEqual({ streamId: 513, code: 7 });
  });
});

describe('a client is cut off that', () => {
  it('begins streams and resets them, more often than one that calls off what it does not need', async () => {
    const frames = Array.from({ length: 1200 }, (_, i) => [
      post(2 * i + 1),
      frame(TYPE.rstStream, 0, 2 * i + 1, uint32(8)),
    ]);
    const begun = await faultOf(frames.flat());
    expect(begun).toEqual({ streamId: 0, code: CODE.enhanceYourCalm });
  });
});

describe('an upload that is not wanted', () => {
  it('may go on to the end of its window, and ends the connection beyond it', async () => {
    const { port } = await startProxy([]);
    const client = frameClient(port, [post(1)]);
    const ends = (): unknown =>
      client
        .seen()
        .find(({ type }) => type === TYPE.goaway)
        ?.payload.readUInt32BE(4);
    await until(() => client.seen().some(({ type }) => type === TYPE.rstStream));
    for (let i = 0; i < 3; i++) client.socket.write(data(1, 'x'.repeat(16_384)));
    client.socket.write(frame(TYPE.ping, 0, 0, '12345678'));
    await until(() => client.seen().some(({ type, flags }) => type === TYPE.ping && flags === FLAG.ack));
    expect(ends()).toBeUndefined();
    for (let i = 0; i < 2; i++) client.socket.write(data(1, 'x'.repeat(16_384)));
    await until(() => ends() !== undefined);
    expect(ends()).toBe(CODE.flowControl);
  });
});

describe('nothing is wrong with', () => {
  it('frames of types to come, flags without meaning, and frames of a stream that was reset here', async () => {
    const instance = await startInstance((_request, response) => response.end('ok'));
    const { port } = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    const client = frameClient(port, [
      frame(0x16, 0xff, 1, 'what?'),
      frame(TYPE.ping, 0xfe, 0, '12345678'),
      settings(setting(0x99, 1)),
      get(1, [['X-Bad', '']]),
      data(1, 'late'),
      grow(1, 5),
      get(3),
    ]);
    await until(() => client.seen().some(({ type, streamId }) => type === TYPE.data && streamId === 3));
    expect(client.seen().filter(({ type }) => type === TYPE.goaway)).toEqual([]);
    expect(
      client
        .seen()
        .find(({ type, flags }) => type === TYPE.ping && flags === FLAG.ack)
        ?.payload.toString(),
    ).toBe('12345678');
  });
});
