// Bad answers are cheap, so an instance that gives them looks quick. Whatever their form, they must not attract requests: beside a
// healthy instance of 30 ms stands one that answers badly at once.

import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  createServer as createHttp2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listening } from '../support/listening.ts';
import { builtOrSource, type QedgeProcess, startQedge } from '../support/qedge-process.ts';

const BODY = JSON.stringify({ detections: Array.from({ length: 50 }, (_, i) => ({ class: 'car', x: i * 7919 })) });
const GZIPPED = gzipSync(BODY);

/** What a bad instance says to every request. */
const FORMS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'status-429': (response) => response.writeHead(429).end('busy'),
  'status-404': (response) => response.writeHead(404).end('the model is not loaded'),
  'status-501': (response) => response.writeHead(501).end(),
  empty: (response) => response.writeHead(200, { 'Content-Length': 0 }).end(),
  redirect: (response) => response.writeHead(307, { Location: '/' }).end(),
  declared: (response) => response.writeHead(200, { 'X-QEdge-Verdict': 'failure' }).end(BODY),
  'cut-length': (response) => {
    response.writeHead(200, { 'Content-Length': BODY.length });
    response.write(BODY.slice(0, 100), () => response.destroy());
  },
  'cut-gzip': (response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(GZIPPED.subarray(0, 100)),
  'cut-multipart': (response) =>
    response.writeHead(200, { 'Content-Type': 'multipart/mixed; boundary=b' }).end('--b\r\n\r\none\r\n--b\r\n'),
};
/** The same over gRPC. */
const CODES: Readonly<Record<string, number>> = { 'grpc-14': 14, 'grpc-8': 8, 'grpc-12': 12 };

/** A few at a time, so that a busy machine is not what is late. */
const GROUPS = [
  ['status-429', 'status-404', 'status-501'],
  ['empty', 'redirect', 'declared'],
  ['cut-length', 'cut-gzip', 'cut-multipart'],
  ['grpc-14', 'grpc-8', 'grpc-12'],
] as const;

interface Counted {
  readonly port: number;
  requests: number;
}

async function startHttp(answer: (response: ServerResponse) => void): Promise<Counted> {
  const server = createServer((incoming, response) => {
    counted.requests++;
    incoming.resume().once('end', () => answer(response));
  });
  onTestFinished(() => void server.close().closeAllConnections());
  const counted = { port: await listening(server), requests: 0 };
  return counted;
}

async function startGrpc(answer: (stream: ServerHttp2Stream) => void): Promise<Counted> {
  const server = createHttp2Server();
  server.on('stream', (stream: ServerHttp2Stream) => {
    counted.requests++;
    stream.on('error', () => {});
    stream.resume().once('end', () => answer(stream));
  });
  onTestFinished(() => void server.close());
  const counted = { port: await listening(server), requests: 0 };
  return counted;
}

const good = (response: ServerResponse): void => void setTimeout(() => response.end(BODY), 30);

function goodCall(stream: ServerHttp2Stream): void {
  setTimeout(() => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  }, 30);
}

const badCall = (code: number) => (stream: ServerHttp2Stream) =>
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(code) },
    { endStream: true },
  );

/** True for the whole answer of the healthy instance. */
function post(qedge: QedgeProcess, service: string): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { 'X-QEdge-Service': service };
    const outgoing = request(qedge.url, { method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.once('close', () => resolve(response.complete && response.statusCode === 200 && text === BODY));
      response.on('error', () => {});
    });
    outgoing.once('error', () => resolve(false));
    outgoing.end('{}');
  });
}

function call(session: ClientHttp2Session, service: string): Promise<boolean> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelInfer',
      ':authority': service,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let status: unknown;
    stream.on('response', (head) => {
      status = head['grpc-status'];
    });
    stream.on('trailers', (trailers) => {
      status = trailers['grpc-status'];
    });
    stream.on('error', () => {});
    stream.once('close', () => resolve(status === '0'));
    stream.resume();
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  });
}

interface Case {
  readonly service: string;
  readonly instances: readonly Counted[];
  readonly ask: (qedge: QedgeProcess, session: ClientHttp2Session) => Promise<boolean>;
}

const httpCase = (service: string, instances: readonly Counted[]): Case => ({
  service,
  instances,
  ask: (qedge) => post(qedge, service),
});

async function startCase(form: string): Promise<Case> {
  const code = CODES[form];
  if (code === undefined) return httpCase(form, [await startHttp(good), await startHttp(FORMS[form] ?? good)]);
  const instances = [await startGrpc(goodCall), await startGrpc(badCall(code))];
  return { service: form, instances, ask: (_, session) => call(session, form) };
}

const configOf = ({ service, instances }: Case, scheme: string): string => `
[[service]]
name = "${service}"
qos.latency = "500ms"
instances = [${instances.map(({ port }) => `"${scheme}://127.0.0.1:${port}"`).join(', ')}]
`;

const PERIOD_MS = 50;
const LEARN_MS = 5000;
const COUNT_MS = 10_000;

async function startAll(http: readonly Case[], grpc: readonly Case[]) {
  const toml = [...http.map((one) => configOf(one, 'http')), ...grpc.map((one) => configOf(one, 'h2c'))].join('');
  const qedge = await startQedge('pi-1', toml, { command: builtOrSource() });
  const session = connect(qedge.url);
  await once(session, 'connect');
  onTestFinished(() => session.destroy());
  return { qedge, session };
}

/** Sends at a steady rate for `ms`; returns how many were asked and how many answers were good. */
async function load(one: Case, { qedge, session }: Awaited<ReturnType<typeof startAll>>, ms: number) {
  const answers: Promise<boolean>[] = [];
  const timer = setInterval(() => answers.push(one.ask(qedge, session)), PERIOD_MS);
  await new Promise((resolve) => setTimeout(resolve, ms));
  clearInterval(timer);
  const all = await Promise.all(answers);
  return { asked: all.length, good: all.filter(Boolean).length };
}

async function weightsOf({ adminUrl }: QedgeProcess, service: string): Promise<readonly number[]> {
  const state = (await (await fetch(`${adminUrl}/api/v1/state`)).json()) as {
    readonly services: readonly { service: string; instances: readonly { weight: number }[] }[];
  };
  return state.services.find((one) => one.service === service)?.instances.map(({ weight }) => weight) ?? [];
}

describe('an instance that answers badly at once', { timeout: 120_000 }, () => {
  it.each(GROUPS)('gets next to no requests beside a healthy one: %s, %s, %s', async (...forms) => {
    const cases = await Promise.all(forms.map((form) => startCase(form)));
    const isGrpc = ({ service }: Case): boolean => service in CODES;
    const running = await startAll(
      cases.filter((one) => !isGrpc(one)),
      cases.filter((one) => isGrpc(one)),
    );
    await Promise.all(cases.map((one) => load(one, running, LEARN_MS)));
    for (const { instances } of cases) for (const instance of instances) instance.requests = 0;
    const results = await Promise.all(cases.map((one) => load(one, running, COUNT_MS)));
    const wrong = cases.flatMap(({ service, instances }, i) => {
      const { asked, good } = results[i] as { asked: number; good: number };
      const badShare = (instances[1]?.requests ?? 0) / asked;
      const goodShare = good / asked;
      return badShare <= 0.03 && goodShare >= 0.97 ? [] : [{ service, asked, badShare, goodShare }];
    });
    expect(wrong).toEqual([]);
  });

  it('loses nothing where it is alone, and where all answer alike', async () => {
    const refuse = FORMS['status-404'] as (response: ServerResponse) => void;
    const alone = httpCase('alone', [await startHttp(refuse)]);
    const alike = httpCase('alike', [await startHttp(refuse), await startHttp(refuse), await startHttp(refuse)]);
    const running = await startAll([alone, alike], []);
    const [one, three] = await Promise.all([load(alone, running, LEARN_MS), load(alike, running, LEARN_MS)]);
    expect(alone.instances[0]?.requests).toBe(one.asked);
    expect(await weightsOf(running.qedge, 'alone')).toEqual([1]);
    const share = 1 / 3;
    for (const weight of await weightsOf(running.qedge, 'alike')) expect(Math.abs(weight - share)).toBeLessThan(0.1);
    for (const { requests } of alike.instances) expect(requests / three.asked).toBeGreaterThan(0.2);
  });
});

/** Endless answers, a piece every 100 ms. */
const STREAMS: Readonly<Record<string, readonly [contentType: string, piece: string]>> = {
  mjpeg: ['multipart/x-mixed-replace; boundary=f', '--f\r\nContent-Type: image/jpeg\r\n\r\npicture\r\n'],
  events: ['text/event-stream', 'data: left\n\n'],
  lines: ['application/x-ndjson', '{"steering":0.1}\n'],
};

function stream(response: ServerResponse, [contentType, piece]: readonly [string, string]): void {
  response.writeHead(200, { 'Content-Type': contentType });
  response.write(piece);
  const timer = setInterval(() => response.write(piece), 100);
  response.once('close', () => clearInterval(timer));
}

describe('ten viewers of endless streams', { timeout: 60_000 }, () => {
  it('are satisfied, and so is the opinion of the instances', async () => {
    const cases = await Promise.all(
      Object.entries(STREAMS).map(async ([name, kind]) => {
        const start = () => startHttp((response) => stream(response, kind));
        return httpCase(name, [await start(), await start()]);
      }),
    );
    const { qedge } = await startAll(cases, []);
    const begun = cases.flatMap(({ service }) =>
      Array.from({ length: 10 }, (_, i) => {
        const headers = { 'X-QEdge-Service': service, 'X-Client-Id': `viewer-${i}` };
        const outgoing = request(qedge.url, { headers, agent: false });
        outgoing.on('error', () => {});
        outgoing.end();
        onTestFinished(() => void outgoing.destroy());
        return once(outgoing, 'response').then(([response]) => once(response, 'data'));
      }),
    );
    await Promise.all(begun);
    const services = async () =>
      ((await (await fetch(`${qedge.adminUrl}/api/v1/state`)).json()) as { services: StreamState[] }).services;
    const opinions = async () =>
      (await services()).map(({ clientsSatisfiedRatio, instances }) => ({
        clientsSatisfiedRatio,
        doubted: instances.filter(({ successProbability }) => (successProbability ?? 0) < 0.95).length,
      }));
    const wanted = cases.map(() => ({ clientsSatisfiedRatio: 1, doubted: 0 }));
    await expect.poll(opinions, { timeout: 8000 }).toEqual(wanted);
  });
});

interface StreamState {
  readonly clientsSatisfiedRatio: number | null;
  readonly instances: readonly { readonly successProbability: number | null }[];
}
