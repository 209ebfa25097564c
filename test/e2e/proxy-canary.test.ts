// A canary at the doors of the proxy: mutated bytes of HTTP/1 and HTTP/2, records of TLS, and conversations of HTTP/2 whose frames are mutated, are
// thrown at a qedge that runs as a process of its own, and its requests are answered with such. In all cases it lives and answers,
// and in the end neither a connection nor a request is left. The long form takes `CANARY_INPUTS=10000` at each door. A failure prints
// its seed, and `CANARY_SEED` repeats it.

import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { inputsOr, SEED } from '../support/canary.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type HostileInput, hostileInput, throwAt } from '../support/hostile-bytes.ts';
import { bytesOf, type Frame, hostileConversation, hostileFrames } from '../support/hostile-frames.ts';
import { startInstance } from '../support/http-instance.ts';
import { startHttp2ByHand } from '../support/http2-by-hand.ts';
import { FLAG, frame, GET, hpack, POST, PREFACE, TYPE } from '../support/http2-frames.ts';
import { PATIENCE } from '../support/patience.ts';
import { startRawInstance } from '../support/proxy.ts';
import { type QedgeProcess, startQedge } from '../support/qedge-process.ts';

const INPUTS = inputsOr(150);
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

const whole = (streamId: number, fields = GET, flags = 0): Frame => ({
  type: TYPE.headers,
  flags: FLAG.endHeaders | flags,
  streamId,
  payload: hpack(fields),
});
const data = (streamId: number, text: string, flags = 0): Frame => ({
  type: TYPE.data,
  flags,
  streamId,
  payload: Buffer.from(text),
});

const CONVERSATIONS: readonly (readonly Frame[])[] = [
  [whole(1, GET, FLAG.endStream)],
  [whole(3, POST), data(3, 'hello'), data(3, '', FLAG.endStream)],
  [
    whole(5, POST),
    data(5, 'x'.repeat(16_384)),
    data(5, 'x'.repeat(16_384)),
    whole(5, [['x-sum', '1']], FLAG.endStream),
  ],
  [whole(7, GET, FLAG.endStream), whole(9, POST), whole(11, GET, FLAG.endStream), data(9, 'end', FLAG.endStream)],
  [whole(13, [...POST, ['content-length', '5'], ['te', 'trailers']]), data(13, 'he'), data(13, 'llo', FLAG.endStream)],
  [whole(15, [...GET, ['host', 'absent']], FLAG.endStream), whole(17, [...POST, ['expect', '100-continue']])],
];
const BEGIN = Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0)]);

const DOORS: readonly (readonly [string, fc.Arbitrary<HostileInput>])[] = [
  ['HTTP/1', hostileInput(HTTP1)],
  ['HTTP/2', fc.oneof(hostileInput(HTTP2, BEGIN), hostileConversation(CONVERSATIONS, BEGIN))],
];

const OK = [[':status', '200']] as const;
/** Of stream 1, which stands for the one that asked. */
const ANSWERS: readonly (readonly Frame[])[] = [
  [whole(1, OK, FLAG.endStream)],
  [whole(1, OK), data(1, 'hello'), data(1, '', FLAG.endStream)],
  [
    whole(1, [
      [':status', '103'],
      ['link', '</a>'],
    ]),
    whole(1, OK),
    data(1, 'x'.repeat(9000), FLAG.endStream),
  ],
  [whole(1, [...OK, ['content-length', '5']]), data(1, 'hello'), whole(1, [['grpc-status', '0']], FLAG.endStream)],
  [
    whole(
      1,
      [
        [':status', '503'],
        ['retry-after', '1'],
      ],
      FLAG.endStream,
    ),
  ],
];

const TOML = (port: number, more = ''): string => `
headers_timeout = "1s"
body_idle_timeout = "1s"
[store]
path = false
[[service]]
name = "svc"
qos = { latency = "80ms", success = 0.9, window = "10s" }
timeout = "1s"
instances = ["http://127.0.0.1:${port}"]
${more}
`;

/** Instances that speak HTTP/2, and are asked in turn with any answer. */
const HOSTILE = (port: number): string => `
[[service]]
name = "hostile"
qos = { latency = "80ms", success = 0.9, window = "10s" }
timeout = "200ms"
policy = "round-robin"
instances = [${['a', 'b', 'c', 'd'].map((node) => `{ url = "h2c://127.0.0.1:${port}", node = "${node}" }`).join(', ')}]
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
function reporter<Input>({ failed, seed, numRuns, errorInstance }: fc.RunDetails<[Input[]]>): void {
  if (failed) throw new Error(`seed ${seed}, after ${numRuns * AT_ONCE} inputs`, { cause: errorInstance });
}

/** Throws batches of `input`; after each, qedge answers, and in the end nothing is left. */
async function holds<Input>(
  { qedge, ask = () => asked(qedge) }: { readonly qedge: QedgeProcess; readonly ask?: () => Promise<number> },
  input: fc.Arbitrary<Input>,
  throwAll: (all: Input[]) => Promise<void>,
) {
  const batch = fc.asyncProperty(fc.array(input, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (inputs) => {
    await throwAll(inputs);
    // On a connection of its own: a kept one may be closed just as it is used.
    const headers = { connection: 'close' };
    expect((await fetch(`${qedge.adminUrl}/healthz`, { headers })).status).toBe(200);
  });
  await fc.assert(batch, { numRuns: Math.ceil(INPUTS / AT_ONCE), seed: SEED, endOnFailure: true, reporter });
  for (const name of ['qedge_client_connections', 'qedge_service_in_flight_requests', 'qedge_queued_requests']) {
    await expect.poll(() => metric(qedge.adminUrl, name), PATIENCE).toBe(0);
  }
  // On a busy machine answers are late, and late ones are refused for a while.
  await expect.poll(ask, PATIENCE).toBe(200);
  expect(qedge.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
}

const asked = async (qedge: QedgeProcess): Promise<number> =>
  (await fetch(qedge.url, { headers: { 'X-QEdge-Service': 'svc' } })).status;

const askedOverTls = (port: number, ca: Buffer): Promise<number> =>
  new Promise((resolve, reject) => {
    const options = { port, host: 'localhost', ca, headers: { 'X-QEdge-Service': 'svc' }, agent: false };
    get(options, (response) => resolve(response.resume().statusCode ?? 0)).on('error', reject);
  });

/** What a client of TLS says first. */
async function clientHello(ALPNProtocols: string[]): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const port = await startRawInstance((socket) => socket.once('data', resolve));
  const client = connect({ port, host: '127.0.0.1', ALPNProtocols }).on('error', () => {});
  const bytes = await promise;
  client.destroy();
  return bytes;
}

const record = (type: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 3, payload.length >> 8, payload.length & 255]), payload]);

/** Alerts, a change of the cipher, a key update, a byte of data, and many of them: in cleartext, where ciphertext is expected. */
const RECORDS = [
  record(21, Buffer.from([1, 0])),
  record(21, Buffer.from([2, 40])),
  record(20, Buffer.from([1])),
  record(22, Buffer.from([24, 0, 0, 1, 0])),
  record(23, Buffer.alloc(17)),
  record(23, Buffer.alloc(16_640)),
  Buffer.concat(Array.from({ length: 300 }, () => record(23, Buffer.alloc(0)))),
  Buffer.from('GET / HTTP/1.1\r\nHost: svc\r\n\r\n'),
];

describe('mutated', () => {
  it.each(DOORS)('%s of clients neither end the process nor leave anything behind', async (_, input) => {
    const instance = await startInstance();
    const qedge = await startQedge('canary', TOML(instance.port));
    const port = Number(new URL(qedge.url).port);
    await holds({ qedge }, input, async (inputs) => {
      await Promise.all(inputs.map((one) => throwAt(port, one)));
    });
  });

  it('records of TLS neither end the process nor leave anything behind, before the handshake and behind it', async () => {
    const { caFile, server } = makeCertificates();
    const ca = readFileSync(caFile);
    const instance = await startInstance();
    const tls = `tls = { cert = "${server.certFile}", key = "${server.keyFile}" }\n`;
    const qedge = await startQedge('canary', tls + TOML(instance.port));
    const port = Number(new URL(qedge.url).port);
    const hellos = await Promise.all([['http/1.1'], ['h2'], []].map(clientHello));
    const input = hostileInput([...hellos, ...hellos, ...RECORDS]);
    const behind = async ({ bytes }: HostileInput): Promise<void> => {
      const raw = connectTcp(port, '127.0.0.1').on('error', () => {});
      const client = connect({ socket: raw, ca, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'] });
      const closed = new Promise((resolve) => client.once('close', resolve));
      client.on('error', () => {});
      client.once('secureConnect', () => raw.write(bytes));
      const timer = setTimeout(() => client.destroy(), 100);
      await closed;
      clearTimeout(timer);
    };
    let turn = 0;
    await holds({ qedge, ask: () => askedOverTls(port, ca) }, input, async (inputs) => {
      turn++;
      await Promise.all(inputs.map((one) => (turn % 4 === 0 ? behind(one) : throwAt(port, one))));
    });
  });

  it('frames of instances neither end the process nor leave anything behind', async () => {
    let answers: Frame[][] = [];
    let asked = 0;
    const hostile = await startHttp2ByHand((streamId, socket) => {
      asked++;
      const frames = answers.shift() ?? [];
      const said = frames.map((one) => (one.streamId === 1 ? { ...one, streamId } : one));
      socket.write(bytesOf(said));
    });
    const instance = await startInstance();
    const qedge = await startQedge('canary', TOML(instance.port, HOSTILE(hostile)));
    let thrown = 0;
    await holds({ qedge }, hostileFrames(ANSWERS), async (inputs) => {
      answers = inputs.map((frames) => [...frames]);
      thrown += inputs.length;
      const headers = { 'X-QEdge-Service': 'hostile', connection: 'close' };
      const ask = async (): Promise<void> => {
        await fetch(qedge.url, { headers })
          .then((response) => response.text())
          .catch(() => {});
      };
      await Promise.all(inputs.map(ask));
    });
    expect(asked).toBeGreaterThan(thrown / 2);
  });
});
