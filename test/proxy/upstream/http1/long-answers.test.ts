// Answers that are read into a buffer which is read into again once a piece is written: nothing is mixed up, however slow a client is.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { expect, it } from 'vitest';
import { startInstance, startProxy } from '../../../support/proxy.ts';

/** More than the system keeps for two sockets and a client. */
const LONG_BYTES = 24_000_000;
const BYTES = 1_000_000;

function bodyOf(seed: number, bytes: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, i) => i * 2_654_435_761 + seed).buffer);
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** `turns`: of the event loop, before the client reads on. */
async function download(port: number, target: string, turns: number): Promise<string> {
  const outgoing = request({ port, path: target, headers: { 'X-QEdge-Service': 'files' } }).end();
  const [answer] = await once(outgoing, 'response');
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  const hash = createHash('sha256');
  for await (const chunk of answer) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

it('a long answer arrives unchanged beside others and before others, also where its client does not read for a while', async () => {
  const bodies = new Map([
    ['/stalls', bodyOf(1, LONG_BYTES)],
    ['/a', bodyOf(2, BYTES)],
    ['/b', bodyOf(3, BYTES)],
    ['/short', Buffer.from('short')],
  ]);
  const { port: instance } = await startInstance((asked, response) => {
    const body = bodies.get(asked.url ?? '') ?? Buffer.alloc(0);
    response.setHeader('Content-Length', body.length);
    response.write(body.subarray(0, 1000));
    response.end(body.subarray(1000));
  });
  const { port } = await startProxy([{ name: 'files', ports: [instance] }]);
  const stalled = download(port, '/stalls', 300);
  for (const target of ['/a', '/b', '/short', '/a']) {
    expect(await download(port, target, 0)).toBe(digestOf(bodies.get(target) ?? Buffer.alloc(0)));
  }
  expect(await stalled).toBe(digestOf(bodies.get('/stalls') ?? Buffer.alloc(0)));
  expect(await download(port, '/b', 0)).toBe(digestOf(bodies.get('/b') ?? Buffer.alloc(0)));
});
