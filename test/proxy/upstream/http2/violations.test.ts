// What RFC 9113 says of frames of a server that are out of place or out of shape, case by case.

import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { answer, beginning, startHttp2ByHand } from '../../../support/http2-by-hand.ts';
import { ask, session } from '../../../support/http2-client.ts';
import { FLAG, type FrameSeen, frame, hpack, TYPE } from '../../../support/http2-frames.ts';
import { startProxy, until } from '../../../support/proxy.ts';

const CODE = {
  protocol: 1,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  cancel: 8,
  compression: 9,
  calm: 11,
} as const;
const WHOLE = FLAG.endHeaders | FLAG.endStream;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.from([0, id]), uint32(value)]);
const head = (fields: readonly (readonly [string, string])[], flags: number = FLAG.endHeaders): Buffer =>
  frame(TYPE.headers, flags, 1, hpack(fields));
const data = (id: number, text: string | Buffer, flags: number = 0): Buffer => frame(TYPE.data, flags, id, text);
const OK = [':status', '200'] as const;

/** Answers each stream with `frames`. Returns what the proxy and its client make of that. */
async function provoke(frames: readonly Buffer[]) {
  const seen: FrameSeen[] = [];
  const port = await startHttp2ByHand(
    (_stream, socket) => void socket.write(Buffer.concat(frames)),
    (one) => seen.push(one),
  );
  const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'h2c', retry: { attempts: 0 } }]);
  const got = ask(session(proxy.url), { ':method': 'POST' }, ['x']).catch(() => null);
  const faults = () => seen.filter(({ type }) => type === TYPE.rstStream || type === TYPE.goaway);
  return { proxy, got, seen, faults };
}

async function codeOf(frames: readonly Buffer[]): Promise<{ streamId: number; code: number }> {
  const { faults, got } = await provoke(frames);
  await until(() => faults().length > 0);
  await got;
  const [{ type, streamId, payload } = { type: 0, streamId: 0, payload: Buffer.alloc(8) }] = faults();
  return { streamId, code: payload.readUInt32BE(type === TYPE.rstStream ? 0 : 4) };
}

describe('the connection to an instance ends with an error for', () => {
  it.each<[string, number, readonly Buffer[]]>([
    ['DATA of no stream', CODE.protocol, [data(0, 'x')]],
    ['DATA of a stream that was not begun', CODE.protocol, [data(3, 'x')]],
    ['DATA behind the end of its stream', CODE.streamClosed, [answer(1, 'all'), data(1, 'x')]],
    ['more padding than DATA', CODE.protocol, [head([OK]), data(1, '\x05x', FLAG.padded)]],
    ['HEADERS of a stream of its own', CODE.protocol, [frame(TYPE.headers, WHOLE, 2, hpack([OK]))]],
    ['HEADERS of a stream that was not begun', CODE.protocol, [frame(TYPE.headers, WHOLE, 3, hpack([OK]))]],
    ['PUSH_PROMISE', CODE.protocol, [frame(TYPE.pushPromise, FLAG.endHeaders, 1, uint32(2))]],
    ['CONTINUATION without HEADERS', CODE.protocol, [frame(TYPE.continuation, FLAG.endHeaders, 1)]],
    ['a frame within a field block', CODE.protocol, [head([OK], 0), data(1, 'x')]],
    ['a field block without an end', CODE.calm, [head([OK], 0), ...Array(40).fill(frame(TYPE.continuation, 0, 1))]],
    ['a field that is in no table', CODE.compression, [frame(TYPE.headers, WHOLE, 1, Buffer.from([0xff, 0x7f]))]],
    ['RST_STREAM of a stream that was not begun', CODE.protocol, [frame(TYPE.rstStream, 0, 3, uint32(0))]],
    ['RST_STREAM of another length', CODE.frameSize, [frame(TYPE.rstStream, 0, 1, 'x')]],
    ['SETTINGS of a stream', CODE.protocol, [frame(TYPE.settings, 0, 1)]],
    ['SETTINGS that are cut', CODE.frameSize, [frame(TYPE.settings, 0, 0, 'x')]],
    ['SETTINGS that allow a push', CODE.protocol, [frame(TYPE.settings, 0, 0, setting(2, 1))]],
    ['an acknowledgement with settings', CODE.frameSize, [frame(TYPE.settings, FLAG.ack, 0, setting(3, 1))]],
    ['PING of a stream', CODE.protocol, [frame(TYPE.ping, 0, 1, '12345678')]],
    ['PING of another length', CODE.frameSize, [frame(TYPE.ping, 0, 0, '1')]],
    ['GOAWAY of a stream', CODE.protocol, [frame(TYPE.goaway, 0, 1, Buffer.alloc(8))]],
    ['a window that grows by nothing', CODE.protocol, [frame(TYPE.windowUpdate, 0, 0, uint32(0))]],
    ['a window beyond its limit', CODE.flowControl, [frame(TYPE.windowUpdate, 0, 0, uint32(0x7fff_ffff))]],
  ])('%s', async (_, code, frames) => {
    expect(await codeOf(frames)).toEqual({ streamId: 0, code });
  });
});

describe('the stream to an instance ends with an error for', () => {
  it.each<[string, number, readonly Buffer[]]>([
    ['a head without a status', CODE.protocol, [head([['x-a', 'b']])]],
    ['two statuses', CODE.protocol, [head([OK, OK])]],
    ['a status behind a field', CODE.protocol, [head([['x-a', 'b'], OK])]],
    ['a status of two digits', CODE.protocol, [head([[':status', '20']])]],
    ['a field of requests', CODE.protocol, [head([OK, [':path', '/']])]],
    ['a name in upper case', CODE.protocol, [head([OK, ['X-A', 'b']])]],
    ['a field about the connection', CODE.protocol, [head([OK, ['connection', 'close']])]],
    ['another protocol', CODE.protocol, [head([[':status', '101']])]],
    ['an interim answer that ends the stream', CODE.protocol, [head([[':status', '103']], WHOLE)]],
    ['a length without a body', CODE.protocol, [head([OK, ['content-length', '1']], WHOLE)]],
    ['DATA without a head', CODE.protocol, [data(1, 'x')]],
    ['more DATA than it said', CODE.protocol, [head([OK, ['content-length', '1']]), data(1, 'xx')]],
    ['trailers without an end', CODE.protocol, [head([OK]), data(1, 'x'), head([['x-sum', '1']])]],
    ['a status in trailers', CODE.protocol, [head([OK]), data(1, 'x'), head([OK], WHOLE)]],
    ['a window that grows by nothing', CODE.protocol, [frame(TYPE.windowUpdate, 0, 1, uint32(0))]],
    ['a window beyond its limit', CODE.flowControl, [frame(TYPE.windowUpdate, 0, 1, uint32(0x7fff_ffff))]],
    [
      'a head beyond its limit',
      CODE.calm,
      [
        head(
          Array(650)
            .fill(['x-a', 'b'.repeat(100)])
            .toSpliced(0, 0, OK),
          0,
        ),
      ],
    ],
  ])('%s', async (_, code, frames) => {
    const inFrames = frames.flatMap((one) => (one.length > 16_384 ? split(one) : [one]));
    expect(await codeOf(inFrames)).toEqual({ streamId: 1, code });
  });
});

/** HEADERS that are too long for a frame, as HEADERS and CONTINUATION. */
function split(headers: Buffer): Buffer[] {
  const block = headers.subarray(9);
  const pieces = Array.from({ length: Math.ceil(block.length / 16_000) }, (_, i) =>
    block.subarray(i * 16_000, (i + 1) * 16_000),
  );
  return pieces.map((piece, i) =>
    frame(
      i === 0 ? TYPE.headers : TYPE.continuation,
      i === pieces.length - 1 ? FLAG.endHeaders : 0,
      1,
      piece.toString('latin1'),
    ),
  );
}

describe('an answer of an instance', () => {
  it('that is malformed is a 502 that says so', async () => {
    const { got } = await provoke([head([['x-a', 'b']])]);
    const answered = await got;
    expect([answered?.status, answered?.headers['x-qedge-error']]).toEqual([502, 'upstream-protocol']);
  });

  it('that has a length and no body is a 502 as well', async () => {
    const { got } = await provoke([head([OK, ['content-length', '9']], WHOLE)]);
    const answered = await got;
    expect([answered?.status, answered?.headers['x-qedge-error']]).toEqual([502, 'upstream-protocol']);
  });

  it('to HEAD, and 204 and 304, may have a length without a body', async () => {
    for (const [method, status] of [
      ['HEAD', '200'],
      ['GET', '204'],
      ['GET', '304'],
    ] as const) {
      const port = await startHttp2ByHand((_stream, socket) => {
        socket.write(
          head(
            [
              [':status', status],
              ['content-length', '9'],
            ],
            WHOLE,
          ),
        );
      });
      const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'h2c' }]);
      expect((await ask(session(proxy.url), { ':method': method })).status).toBe(Number(status));
    }
  });

  it('that ends before its length cuts the client off', async () => {
    const { got, proxy } = await provoke([head([OK, ['content-length', '9']]), data(1, 'half', FLAG.endStream)]);
    expect(await got).toBeNull();
    expect(proxy.observed.map(({ result }) => result)).toEqual(['failed']);
  });

  it('loses fields whose values are none, and nothing else', async () => {
    const fields = [OK, ['x-a', ' b'], ['x-b', 'c\0'], ['x-c', 'd']] as const;
    const { got } = await provoke([head(fields), data(1, 'whole', FLAG.endStream)]);
    const answered = await got;
    expect([answered?.status, answered?.body]).toEqual([200, 'whole']);
    const { 'x-a': a, 'x-b': b, 'x-c': c } = answered?.headers ?? {};
    expect([a, b, c]).toEqual([undefined, undefined, 'd']);
  });

  it('may come in padding, in pieces of a byte and with frames that mean nothing between', async () => {
    const padded = (text: string): Buffer => data(1, `\x03${text}\0\0\0`, FLAG.padded);
    const noise = [
      frame(TYPE.priority, 0, 1, Buffer.alloc(5)),
      frame(0xfa, 0, 1, 'grease'),
      frame(TYPE.ping, 0, 0, '12345678'),
    ];
    const { got, seen } = await provoke([
      head([OK]),
      ...[...'whole'].flatMap((one) => [padded(one), ...noise]),
      data(1, '', 1),
    ]);
    expect((await got)?.body).toBe('whole');
    const pongs = seen.filter(({ type, flags }) => type === TYPE.ping && flags === FLAG.ack);
    expect(pongs.map(({ payload }) => payload.toString())).toEqual(Array(5).fill('12345678'));
  });

  it('may begin with interim answers and end with trailers', async () => {
    const early = head([
      [':status', '103'],
      ['link', '</a>'],
    ]);
    const { got } = await provoke([early, head([OK]), data(1, 'whole'), head([['x-sum', '1']], WHOLE)]);
    const answered = await got;
    expect([answered?.body, answered?.trailers]).toEqual(['whole', ['x-sum', '1']]);
    expect(answered?.information.flat()).toContain('</a>');
  });

  it.each([
    ['as far as its window goes and costs nothing', 65_000, [200, 'next']],
    ['beyond its window and ends the connection', 66_000, [200, 'again']],
  ])('that its client no longer waits for comes %s', async (_, lateBytes, expected) => {
    let connections = 0;
    let socket: Socket | null = null;
    const pieces = Array.from({ length: Math.ceil(lateBytes / 1000) }, () => data(1, 'x'.repeat(1000)));
    const port = await startHttp2ByHand(
      (stream, one) => {
        socket = one;
        if (stream === 1 && connections++ === 0) one.write(beginning(1, 'half'));
        else one.write(answer(stream, stream === 1 ? 'again' : 'next'));
      },
      ({ type }) => type === TYPE.rstStream && socket?.write(Buffer.concat(pieces)),
    );
    const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'h2c' }]);
    const client = session(proxy.url);
    const left = client.request({ ':method': 'POST', 'x-qedge-service': 'svc' });
    left.on('error', () => {});
    left.end('x');
    await new Promise((resolve) => left.once('data', resolve));
    left.close(CODE.cancel);
    await until(() => proxy.observed.length === 1);
    if (expected[1] === 'again') await until(() => proxy.proxy.stats().services[0]?.upstreamConnections === 0);
    const { status, body } = await ask(client, { ':method': 'POST' }, ['x']);
    expect([status, body]).toEqual(expected);
  });
});
