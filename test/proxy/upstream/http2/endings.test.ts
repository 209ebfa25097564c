// How a stream of HTTP/2 ends: by its own end, or by a reset, which with some codes Node takes for an end.

import { constants } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { answer, beginning, reset, startHttp2ByHand } from '../../../support/http2-by-hand.ts';
import { ask, session } from '../../../support/http2-client.ts';
import { startProxy, until } from '../../../support/proxy.ts';

const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL } = constants;

async function startCase(frames: (stream: number) => readonly Buffer[]) {
  const port = await startHttp2ByHand((stream, socket) => {
    for (const one of frames(stream)) socket.write(one);
  });
  return startProxy([{ name: 'svc', ports: [port], scheme: 'h2c' }]);
}

describe.each([
  ['NO_ERROR', NGHTTP2_NO_ERROR],
  ['CANCEL', NGHTTP2_CANCEL],
])('a reset with %s', (_, code) => {
  it('behind a whole answer changes nothing', async () => {
    const proxy = await startCase((stream) => [Buffer.concat([answer(stream, 'whole'), reset(stream, code)])]);
    expect((await ask(session(proxy.url), { ':method': 'POST' }, ['x'])).body).toBe('whole');
    expect(proxy.observed.map(({ result }) => result)).toEqual(['answered']);
  });

  it.each([
    ['together with what came', true],
    ['behind what came', false],
  ])('in the middle of an answer without a length, %s, cuts the client off', async (_how, together) => {
    const proxy = await startCase((stream) => {
      const parts = [beginning(stream, 'half'), reset(stream, code)];
      return together ? [Buffer.concat(parts)] : parts;
    });
    await expect(ask(session(proxy.url), { ':method': 'POST' }, ['x'])).rejects.toThrow();
    expect(proxy.observed.map(({ result }) => result)).toEqual(['failed']);
    expect(proxy.accounts.map(({ success }) => success)).toEqual([false]);
  });
});

describe('a reset with NO_ERROR', () => {
  it('behind an answer to a request that is not whole says that the rest is not wanted', async () => {
    const proxy = await startCase((stream) => [
      Buffer.concat([answer(stream, 'enough'), reset(stream, NGHTTP2_NO_ERROR)]),
    ]);
    const stream = session(proxy.url).request({ ':method': 'POST', 'x-qedge-service': 'svc' });
    let text = '';
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    stream.write('begun');
    await until(() => proxy.observed.length === 1);
    expect(proxy.observed.map(({ result }) => result)).toEqual(['answered']);
    await until(() => text === 'enough');
  });
});
