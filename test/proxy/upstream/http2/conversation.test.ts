// Whole conversations with an instance of node:http2 behind the proxy: all that is said, in pieces of any size, comes out at the other
// end as it was said.

import { createHash } from 'node:crypto';
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { startCuttingRelay } from '../../../support/cutting-relay.ts';
import { listening } from '../../../support/listening.ts';
import { startProxy } from '../../../support/proxy.ts';

interface Said {
  readonly method: string;
  readonly path: string;
  readonly field: string;
  readonly bodyBytes: number;
  readonly answerBytes: number;
  readonly trailer: string;
}

const bytes = fc.oneof(fc.constant(0), fc.nat(3000), fc.nat(200_000));
const said: fc.Arbitrary<Said> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  path: fc.stringMatching(/^\/[!-"$-~]{0,60}$/),
  field: fc.stringMatching(/^[!-~]{1,80}$/),
  bodyBytes: bytes,
  answerBytes: bytes,
  trailer: fc.stringMatching(/^[!-~]{0,20}$/),
});

const hashOf = (body: readonly Buffer[]): string => createHash('sha1').update(Buffer.concat(body)).digest('hex');
const bytesOf = (length: number): Buffer => Buffer.alloc(length, 'body of a request or of an answer ');

/** Tells in its head what it was asked, and answers as many bytes as it was asked for. */
async function startTeller(): Promise<number> {
  const server = createServer({ settings: { maxConcurrentStreams: 3 } });
  server.on('session', (session) => onTestFinished(() => session.destroy()));
  server.on('stream', (stream, headers) => {
    const body: Buffer[] = [];
    let trailer: unknown = null;
    stream.on('error', () => {});
    stream.on('trailers', (trailers) => {
      trailer = trailers['x-said'];
    });
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.on('end', () => {
      const heard = [headers[':method'], headers[':path'], headers['x-field'], hashOf(body)];
      stream.respond(
        { ':status': 200, 'x-request': Buffer.from(JSON.stringify(heard)).toString('base64'), trailer: 'x-sum' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': `${trailer ?? ''}.` }));
      stream.end(bytesOf(Number(headers['x-answer'])));
    });
  });
  onTestFinished(() => void server.close());
  return listening(server as unknown as NetServer);
}

interface Heard {
  readonly request: unknown;
  readonly answer: string;
  readonly trailer: unknown;
}

function say(client: ClientHttp2Session, one: Said): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const stream = client.request(
      {
        ':method': one.method,
        ':path': one.path,
        'x-qedge-service': 'svc',
        'x-answer': String(one.answerBytes),
        'x-field': one.field,
        trailer: 'x-said',
      },
      { endStream: false, waitForTrailers: one.trailer !== '' },
    );
    const answer: Buffer[] = [];
    let request: unknown = null;
    let trailer: unknown = null;
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-said': one.trailer }));
    stream.on('response', (head) => {
      request = JSON.parse(Buffer.from(String(head['x-request']), 'base64').toString());
    });
    stream.on('trailers', (trailers) => {
      trailer = trailers['x-sum'];
    });
    stream.on('data', (chunk: Buffer) => answer.push(chunk));
    stream.on('end', () => resolve({ request, answer: hashOf(answer), trailer }));
    stream.on('error', reject);
    stream.end(bytesOf(one.bodyBytes));
  });
}

it('a conversation comes out as it was said, in pieces of any size', async () => {
  const teller = await startTeller();
  const qos = { latencyMs: 60_000, successRatio: 0.9, windowMs: 10_000 };
  const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1000, max: 70_000 })), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 8 }), cuts, async (requests, pieces) => {
      // Pieces of a few bytes alone would take long.
      const port = await startCuttingRelay(teller, { answers: [...pieces, 20_000] });
      const proxy = await startProxy([{ name: 'svc', ports: [port], scheme: 'h2c', qos }]);
      const client = connect(proxy.url);
      client.on('error', () => {});
      const heard = await Promise.all(requests.map((one) => say(client, one)));
      client.destroy();
      expect(heard).toEqual(
        requests.map(({ method, path, field, bodyBytes, answerBytes, trailer }) => ({
          request: [method, path, field, hashOf([bytesOf(bodyBytes)])],
          answer: hashOf([bytesOf(answerBytes)]),
          trailer: `${trailer}.`,
        })),
      );
      expect(proxy.proxy.stats().inFlight).toBe(0);
    }),
    { numRuns: 15 },
  );
});
