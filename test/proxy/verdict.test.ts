// What answers of real instances are worth: to their clients, and against the instances.

import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { AttemptResult } from '../../src/core/domain.ts';
import { rawRequest, type ServiceSpec, startInstance, startProxy } from '../support/proxy.ts';

const REQUEST = 'POST / HTTP/1.1\r\nHost: cam\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
const GZIPPED = gzipSync('{"steering": 0.1, "throttle": 0.7}');

async function ask(answer: (response: ServerResponse) => void, service: Partial<ServiceSpec> = {}) {
  const instance = await startInstance((request, response) => request.resume().once('end', () => answer(response)));
  const proxy = await startProxy([{ ...service, name: 'cam', ports: [instance.port] }]);
  const { text } = await rawRequest(proxy.port, REQUEST);
  return {
    text,
    results: proxy.observed.map(({ result }) => result),
    accounts: proxy.accounts.map((one) => one.success),
  };
}

describe('an answer', () => {
  it.each<[string, (response: ServerResponse) => void, AttemptResult, boolean[]]>([
    ['200', (response) => response.end('left'), 'answered', [true]],
    ['200 without a body', (response) => response.end(), 'answered', [true]],
    ['304', (response) => response.writeHead(304).end(), 'answered', [true]],
    ['429', (response) => response.writeHead(429).end(), 'full', [false]],
    ['503', (response) => response.writeHead(503).end(), 'failed', [false]],
    ['404 of the only instance', (response) => response.writeHead(404).end(), 'answered', []],
    ['501 of the only instance', (response) => response.writeHead(501).end(), 'answered', []],
    ['302 of the only instance', (response) => response.writeHead(302).end(), 'answered', []],
    [
      'a whole gzip body',
      (response) => response.setHeader('Content-Encoding', 'gzip').end(GZIPPED),
      'answered',
      [true],
    ],
    [
      'a whole gzip body with a line end behind it',
      (response) => response.setHeader('Content-Encoding', 'gzip').end(Buffer.concat([GZIPPED, Buffer.from('\n')])),
      'answered',
      [true],
    ],
    [
      'half a gzip body',
      (response) => response.setHeader('Content-Encoding', 'gzip').end(GZIPPED.subarray(0, 25)),
      'failed',
      [false],
    ],
  ])('%s', async (_, answer, result, account) => {
    const seen = await ask(answer);
    expect([seen.results, seen.accounts]).toEqual([[result], account]);
  });

  it('that its instance calls bad is a failure, and the client never sees the word', async () => {
    const head = await ask((response) => response.setHeader('X-QEdge-Verdict', 'failure').end('left'));
    expect([head.results, head.accounts]).toEqual([['failed'], [false]]);
    expect(head.text).toContain('left');
    expect(head.text.toLowerCase()).not.toContain('x-qedge-verdict');
    const trailers = await ask((response) => {
      response.setHeader('Trailer', 'X-QEdge-Verdict');
      response.write('left');
      response.addTrailers({ 'X-QEdge-Verdict': 'failure' });
      response.end();
    });
    expect([trailers.results, trailers.accounts]).toEqual([['failed'], [false]]);
    expect(trailers.text.toLowerCase()).not.toContain('x-qedge-verdict: failure');
  });

  it('is judged by the lists of its service', async () => {
    const notFound = (response: ServerResponse) => response.writeHead(404).end();
    const listed = await ask(notFound, { failure: { statuses: [404] } });
    expect([listed.results, listed.accounts]).toEqual([['failed'], [false]]);
    const earlier = await ask(notFound, { failureStatusMin: 400 });
    expect([earlier.results, earlier.accounts]).toEqual([['failed'], [false]]);
    const absolute = await ask(notFound, { failure: { relative: false } });
    expect([absolute.results, absolute.accounts]).toEqual([['answered'], [true]]);
    const short = await ask((response) => response.end('left'), { failure: { bodyBytesMin: 5 } });
    expect([short.results, short.accounts]).toEqual([['failed'], [false]]);
  });
});
