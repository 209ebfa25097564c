// Answers that are read into a buffer which is read into again once a piece is written: nothing is mixed up, however slow a client is.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { startInstance, startProxy } from '../../../support/proxy.ts';

const BYTES = 3_000_000;

function bodyOf(seed: number): Buffer {
  const body = Buffer.alloc(BYTES);
  for (let i = 0; i + 4 <= BYTES; i += 4) body.writeUInt32LE((i * 2_654_435_761 + seed) >>> 0, i);
  return body;
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function download(port: number, seed: number, pauses: boolean): Promise<string> {
  const outgoing = request({ port, path: `/${seed}`, headers: { 'X-QEdge-Service': 'files' } }).end();
  const [answer] = await once(outgoing, 'response');
  const hash = createHash('sha256');
  answer.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    if (!pauses) return;
    answer.pause();
    setImmediate(() => answer.resume());
  });
  await once(answer, 'end');
  return hash.digest('hex');
}

describe('a long answer', () => {
  it.each([
    ['a known length', true],
    ['chunks', false],
  ])('of %s arrives unchanged beside others and behind others, with clients that read slowly', async (_name, sized) => {
    const bodies = [1, 2, 3].map(bodyOf);
    const { port: instance } = await startInstance((asked, response) => {
      const body = bodies[Number(asked.url?.slice(1)) - 1] ?? Buffer.from('short');
      if (sized) response.setHeader('Content-Length', body.length);
      response.write(body.subarray(0, 1000));
      response.end(body.subarray(1000));
    });
    const { port } = await startProxy([{ name: 'files', ports: [instance] }]);
    for (const pauses of [true, false]) {
      const digests = await Promise.all([1, 2, 3].map((seed) => download(port, seed, pauses)));
      expect(digests).toEqual(bodies.map(digestOf));
      expect(await download(port, 9, false)).toBe(digestOf(Buffer.from('short')));
    }
  });
});
