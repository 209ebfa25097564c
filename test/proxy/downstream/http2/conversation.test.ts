// Whole conversations of node:http2's own client with a proxy in the middle: all that is said, in pieces of any size, comes
// out at the other end as it was said.

import { createHash } from 'node:crypto';
import { type ClientHttp2Session, connect } from 'node:http2';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startCuttingRelay } from '../../../support/cutting-relay.ts';
import { bodyOf, startInstance, startProxy } from '../../../support/proxy.ts';

interface Said {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly bodyBytes: number;
  readonly answerBytes: number;
  readonly trailer: string;
}

const said: fc.Arbitrary<Said> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  path: fc.stringMatching(/^\/[!-"$-~]{0,60}$/),
  fields: fc.uniqueArray(fc.tuple(fc.stringMatching(/^x-p[a-z0-9-]{0,10}$/), fc.stringMatching(/^[!-~]{1,80}$/)), {
    maxLength: 6,
    selector: ([name]) => name,
  }),
  bodyBytes: fc.oneof(fc.constant(0), fc.nat(3000), fc.nat(200_000)),
  answerBytes: fc.oneof(fc.constant(0), fc.nat(3000), fc.nat(200_000)),
  trailer: fc.stringMatching(/^[!-~]{0,20}$/),
});

const hashOf = (body: Buffer): string => createHash('sha1').update(body).digest('hex');
const bytesOf = (length: number): Buffer => Buffer.alloc(length, 'body of a request or of an answer ');

async function startEcho(): Promise<number> {
  const { port } = await startInstance(async (request, response) => {
    const body = await bodyOf(request);
    const fields = request.rawHeaders.filter((_, i) => (request.rawHeaders[i - (i % 2)] ?? '').startsWith('x-p'));
    response.writeHead(200, {
      'X-Request': Buffer.from(JSON.stringify([request.method, request.url, fields, hashOf(body)])).toString('base64'),
      Trailer: 'X-Sum',
    });
    response.write(bytesOf(Number(request.headers['x-answer'])));
    response.addTrailers({ 'X-Sum': `${request.trailers['x-said'] ?? ''}.` });
    response.end();
  });
  return port;
}

interface Heard {
  readonly request: unknown;
  readonly answer: string;
  readonly trailer: unknown;
}

function say(
  client: ClientHttp2Session,
  { method, path, fields, bodyBytes, answerBytes, trailer }: Said,
): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const stream = client.request(
      {
        ':method': method,
        ':path': path,
        'x-qedge-service': 'svc',
        'x-answer': String(answerBytes),
        trailer: 'x-said',
        ...Object.fromEntries(fields),
      },
      { endStream: false, waitForTrailers: trailer !== '' },
    );
    const chunks: Buffer[] = [];
    let request: unknown = null;
    let heard: unknown = null;
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-said': trailer }));
    stream.on('response', (head) => {
      request = JSON.parse(Buffer.from(String(head['x-request']), 'base64').toString());
    });
    stream.on('trailers', (trailers) => {
      heard = trailers['x-sum'];
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve({ request, answer: hashOf(Buffer.concat(chunks)), trailer: heard }));
    stream.on('error', reject);
    stream.end(bytesOf(bodyBytes));
  });
}

it('a conversation comes out as it was said, in pieces of any size', async () => {
  const qos = { latencyMs: 60_000, successRatio: 0.9, windowMs: 10_000 };
  const proxy = await startProxy([{ name: 'svc', ports: [await startEcho()], qos }]);
  const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1000, max: 70_000 })), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 8 }), cuts, async (requests, pieces) => {
      // Pieces of a few bytes alone would take long.
      const port = await startCuttingRelay(proxy.port, { requests: [...pieces, 20_000] });
      const client = connect(`http://127.0.0.1:${port}`);
      client.on('error', () => {});
      const heard = await Promise.all(requests.map((one) => say(client, one)));
      client.destroy();
      expect(heard).toEqual(
        requests.map(({ method, path, fields, bodyBytes, answerBytes, trailer }) => ({
          request: [method, path, fields.flat(), hashOf(bytesOf(bodyBytes))],
          answer: hashOf(bytesOf(answerBytes)),
          trailer: `${trailer}.`,
        })),
      );
    }),
    { numRuns: 25 },
  );
  expect(proxy.proxy.stats().inFlight).toBe(0);
});
