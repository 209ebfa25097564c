import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FLAG, frame, frameClient, GET, hpack, POST, TYPE } from '../../../support/http2-frames.ts';
import { bodyOf, startInstance, startProxy, until } from '../../../support/proxy.ts';

const PROTOCOL_ERROR = 1;
const WHOLE = FLAG.endHeaders | FLAG.endStream;

async function counting(): Promise<{ readonly port: number; readonly seen: () => number }> {
  let seen = 0;
  const { port } = await startInstance(async (request, response) => {
    seen++;
    response.end(String((await bodyOf(request)).length));
  });
  return {
    port: (await startProxy([{ name: 'svc', ports: [port] }], { headersTimeoutMs: 300 })).port,
    seen: () => seen,
  };
}

describe('a body in DATA frames of one byte', () => {
  it('arrives whole', async () => {
    const { port } = await counting();
    const client = frameClient(port, [
      frame(TYPE.headers, FLAG.endHeaders, 1, hpack(POST)),
      ...Array.from({ length: 50_000 }, () => frame(TYPE.data, 0, 1, 'x')),
      frame(TYPE.data, FLAG.endStream, 1),
    ]);
    await until(() => client.seen().some(({ type, payload }) => type === TYPE.data && payload.toString() === '50000'));
  });

  it('arrives whole where each read ends within a frame, for longer than a head may take', async () => {
    const { port } = await counting();
    const bytes = Buffer.concat([
      ...Array.from({ length: 1000 }, () => frame(TYPE.data, 0, 1, 'x')),
      frame(TYPE.data, FLAG.endStream, 1),
    ]);
    const client = frameClient(port, [frame(TYPE.headers, FLAG.endHeaders, 1, hpack(POST)), bytes.subarray(0, 5)]);
    for (let at = 5; at < bytes.length; at += 1000) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      client.socket.write(bytes.subarray(at, at + 1000));
    }
    await until(() => client.seen().some(({ type, payload }) => type === TYPE.data && payload.toString() === '1000'));
  });

  it('arrives whole when its stream is not the only one', async () => {
    const { port } = await counting();
    const ids = [1, 3, 5, 7];
    const client = frameClient(port, [
      ...ids.map((id) => frame(TYPE.headers, FLAG.endHeaders, id, hpack(POST))),
      ...Array.from({ length: 5000 }, () => ids.map((id) => frame(TYPE.data, FLAG.padded, id, '\0x'))).flat(),
      ...ids.map((id) => frame(TYPE.data, FLAG.endStream, id)),
    ]);
    const answered = (): number =>
      client.seen().filter(({ type, payload }) => type === TYPE.data && payload.toString() === '5000').length;
    await until(() => answered() === ids.length);
  });
});

describe('a field that is malformed', () => {
  it.each(['a\rb', 'a\nb', 'a\r\nX-Evil: 1', 'a\0b'])('as by %j makes the request malformed', async (value) => {
    const { port, seen } = await counting();
    const client = frameClient(port, [frame(TYPE.headers, WHOLE, 1, hpack([...GET, ['x-odd', value]]))]);
    await until(() => client.seen().some(({ type }) => type === TYPE.rstStream));
    const reset = client.seen().find(({ type }) => type === TYPE.rstStream);
    expect([reset?.streamId, reset?.payload.readUInt32BE()]).toEqual([1, PROTOCOL_ERROR]);
    expect(seen()).toBe(0);
  });

  it('makes it malformed in CONTINUATION too', async () => {
    const { port, seen } = await counting();
    const block = hpack([...GET, ['x-odd', 'a\rb'], ['x-even', 'ab']]);
    const client = frameClient(port, [
      frame(TYPE.headers, FLAG.endStream, 1, block.subarray(0, block.length - 12)),
      frame(TYPE.continuation, FLAG.endHeaders, 1, block.subarray(block.length - 12)),
    ]);
    await until(() => client.seen().some(({ type }) => type === TYPE.rstStream));
    expect(seen()).toBe(0);
  });

  it('in the trailers makes it malformed as well', async () => {
    const { port } = await counting();
    const client = frameClient(port, [
      frame(TYPE.headers, FLAG.endHeaders, 1, hpack(POST)),
      frame(TYPE.data, 0, 1, 'hello'),
      frame(TYPE.headers, WHOLE, 1, hpack([['x-odd', 'a\0b']])),
    ]);
    await until(() => client.seen().some(({ type }) => type === TYPE.rstStream));
    expect(
      client
        .seen()
        .find(({ type }) => type === TYPE.rstStream)
        ?.payload.readUInt32BE(),
    ).toBe(PROTOCOL_ERROR);
  });

  it('leaves the other requests of its connection alone', async () => {
    const { port, seen } = await counting();
    const client = frameClient(port, [
      frame(TYPE.headers, WHOLE, 1, hpack([...GET, ['x-odd', 'a\0b']])),
      frame(TYPE.headers, WHOLE, 3, hpack([...GET, ['x-odd', 'ab']])),
    ]);
    await until(() => client.seen().some(({ type, streamId }) => type === TYPE.data && streamId === 3));
    expect(seen()).toBe(1);
  });
});

describe('a head that is not whole in time ends the connection', () => {
  it.each([
    ['without its CONTINUATION', [frame(TYPE.headers, FLAG.endStream, 1, hpack(GET))]],
    ['in half a frame', [frame(TYPE.headers, WHOLE, 1, hpack(GET)).subarray(0, 30)]],
    ['in half the header of a frame', [frame(TYPE.headers, WHOLE, 1, hpack(GET)).subarray(0, 5)]],
  ])('%s', async (_, frames) => {
    const { port, seen } = await counting();
    await once(frameClient(port, frames).socket, 'close');
    expect(seen()).toBe(0);
  });

  it('behind a good request', async () => {
    const { port } = await counting();
    const good = frame(TYPE.headers, WHOLE, 1, hpack(GET));
    const client = frameClient(port, [good, frame(TYPE.headers, FLAG.endStream, 3, hpack(GET))]);
    await once(client.socket, 'close');
    expect(client.seen().some(({ type, streamId }) => type === TYPE.data && streamId === 1)).toBe(true);
  });

  it('when it is no more than the preface', async () => {
    const { port } = await counting();
    const socket = connect(port, '127.0.0.1');
    socket.write('PRI * HTTP/2.0\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
  });
});

describe('a connection whose heads are whole', () => {
  it('stays, however long it is quiet', async () => {
    const { port } = await counting();
    const client = frameClient(port, [frame(TYPE.headers, WHOLE, 1, hpack(GET))]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    client.socket.write(frame(TYPE.headers, WHOLE, 3, hpack(GET)));
    await until(() => client.seen().some(({ type, streamId }) => type === TYPE.data && streamId === 3));
  });
});
