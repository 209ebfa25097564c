// A canary at the doors of the proxy: mutated bytes of HTTP/1 and HTTP/2 are thrown at a qedge that runs as a process of its own.
// In all cases it lives and answers, and in the end neither a connection nor a request is left. The long form takes
// `CANARY_INPUTS=10000` at each door. A failure prints its seed, and `CANARY_SEED` repeats it.

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type HostileInput, hostileInput, throwAt } from '../support/hostile-bytes.ts';
import { startInstance } from '../support/http-instance.ts';
import { FLAG, frame, GET, hpack, POST, PREFACE, TYPE } from '../support/http2-frames.ts';
import { PATIENCE } from '../support/patience.ts';
import { startQedge } from '../support/qedge-process.ts';

const INPUTS = Number(process.env.CANARY_INPUTS ?? 250);
const SEED = Number(process.env.CANARY_SEED ?? Date.now() % 2 ** 31);
/** Thrown side by side. */
const AT_ONCE = 25;

vi.setConfig({ testTimeout: 60_000 + INPUTS * 60 });

const HOST = 'Host: svc\r\n';
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

const HTTP1 = [
  `GET / HTTP/1.1\r\n${HOST}\r\n`,
  `GET /-/ping HTTP/1.1\r\n${HOST}\r\n`,
  `GET http://svc:80/a?b#c HTTP/1.1\r\n${HOST}Cookie: a=1; qedge_session=2\r\n\r\n`,
  `HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\nx\r\n5;a="b"\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`,
  `POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
  `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(2000)}0\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\n\r\n`,
  `TRACE /x HTTP/1.1\r\n${HOST}Max-Forwards: 0\r\n\r\n`,
  `CONNECT svc:80 HTTP/1.1\r\n${HOST}\r\n`,
  `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
  `GET // HTTP/1.1\r\n${HOST}${UPGRADE}\r\n`,
  `GET /ws HTTP/1.1\r\n${HOST}${UPGRADE}\r\n\x81\x85\0\0\0\0hello`,
  `GET / HTTP/1.1\r\n${HOST}Forwarded: for="[::1]:9";host=x\r\nX-Forwarded-For: 1, 2\r\nX-QEdge-Deadline-Ms: 80\r\n\r\n`,
].map((text) => Buffer.from(text, 'latin1'));

const head = (flags: number, streamId: number, fields = GET): Buffer =>
  frame(TYPE.headers, FLAG.endHeaders | flags, streamId, hpack(fields));

const HTTP2 = [
  head(FLAG.endStream, 1),
  Buffer.concat([head(0, 3, POST), frame(TYPE.data, 0, 3, 'hello'), frame(TYPE.data, FLAG.endStream, 3)]),
  Buffer.concat([head(0, 5, POST), ...Array.from({ length: 300 }, () => frame(TYPE.data, FLAG.padded, 5, '\x02xyz'))]),
  Buffer.concat([head(0, 7, POST), head(FLAG.endStream, 7, [['x-sum', '1']])]),
  Buffer.concat([
    frame(TYPE.headers, FLAG.endStream, 9, hpack(GET)),
    frame(TYPE.continuation, FLAG.endHeaders, 9, hpack([['x-odd', 'a\rb']])),
  ]),
  Buffer.concat([head(0, 11, POST), frame(TYPE.rstStream, 0, 11, '\0\0\0\x08')]),
  frame(TYPE.settings, 0, 0, '\0\x04\0\0\0\0'),
  frame(TYPE.ping, 0, 0, '12345678'),
  frame(TYPE.goaway, 0, 0, '\0\0\0\0\0\0\0\0'),
  frame(8, 0, 0, '\x7f\xff\xff\xff'),
  frame(2, 0, 1, '\0\0\0\0\x10'),
  head(FLAG.endStream, 13, [...GET, ['te', 'trailers'], ['cookie', 'a=1'], ['cookie', 'qedge_session=2']]),
  head(FLAG.endStream, 15, [
    [':method', 'CONNECT'],
    [':authority', 'svc:80'],
  ]),
];

const DOORS: readonly (readonly [string, fc.Arbitrary<HostileInput>])[] = [
  ['HTTP/1', hostileInput(HTTP1)],
  ['HTTP/2', hostileInput(HTTP2, Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0)]))],
];

const TOML = (port: number): string => `
headers_timeout = "1s"
body_idle_timeout = "1s"
[store]
path = false
[[service]]
name = "svc"
qos = { latency = "80ms", success = 0.9, window = "10s" }
timeout = "1s"
instances = ["http://127.0.0.1:${port}"]
`;

/** Sum of the samples of a metric; NaN while it cannot be read. */
async function metric(adminUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0);
}

/** The inputs themselves would fill a screen. */
function reporter({ failed, seed, numRuns, errorInstance }: fc.RunDetails<[HostileInput[]]>): void {
  if (failed) throw new Error(`seed ${seed}, after ${numRuns * AT_ONCE} inputs`, { cause: errorInstance });
}

describe('mutated bytes of', () => {
  it.each(DOORS)('%s neither end the process nor leave anything behind', async (_, input) => {
    const instance = await startInstance();
    const qedge = await startQedge('canary', TOML(instance.port));
    const port = Number(new URL(qedge.url).port);
    const batch = fc.asyncProperty(fc.array(input, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (inputs) => {
      await Promise.all(inputs.map((one) => throwAt(port, one)));
      // On a connection of its own: a kept one may be closed just as it is used.
      const headers = { connection: 'close' };
      expect((await fetch(`${qedge.adminUrl}/healthz`, { headers })).status).toBe(200);
    });
    await fc.assert(batch, { numRuns: Math.ceil(INPUTS / AT_ONCE), seed: SEED, endOnFailure: true, reporter });
    for (const name of ['qedge_client_connections', 'qedge_service_in_flight_requests', 'qedge_queued_requests']) {
      await expect.poll(() => metric(qedge.adminUrl, name), PATIENCE).toBe(0);
    }
    expect((await fetch(qedge.url, { headers: { 'X-QEdge-Service': 'svc' } })).status).toBe(200);
    expect(qedge.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });
});
