// Instances that answer badly at once, each beside a healthy one of 30 ms, behind a qedge of its own process; and their clients.

import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  createServer as createHttp2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { listening } from './listening.ts';
import { type QedgeProcess, startQedge } from './qedge-process.ts';

const PERIOD_MS = 50;

const BODY = JSON.stringify({ detections: Array.from({ length: 50 }, (_, i) => ({ class: 'car', x: i * 7919 })) });
const GZIPPED = gzipSync(BODY);

/** What a bad instance says to every request. */
export const FORMS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'status-429': (response) => response.writeHead(429).end('busy'),
  'status-404': (response) => response.writeHead(404).end('the model is not loaded'),
  'status-501': (response) => response.writeHead(501).end(),
  empty: (response) => response.writeHead(200, { 'Content-Length': 0 }).end(),
  'json-error': (response) =>
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"error": "out of memory"}'),
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

export interface Counted {
  readonly port: number;
  requests: number;
}

export async function startHttp(answer: (response: ServerResponse) => void): Promise<Counted> {
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

export interface Case {
  readonly service: string;
  readonly instances: readonly Counted[];
  readonly scheme: 'http' | 'h2c';
  /** More of the service's section. */
  readonly settings: string;
  readonly ask: (qedge: QedgeProcess, session: ClientHttp2Session) => Promise<boolean>;
}

export const httpCase = (service: string, instances: readonly Counted[], settings = ''): Case => ({
  service,
  instances,
  scheme: 'http',
  settings,
  ask: (qedge) => post(qedge, service),
});

/** A service of a healthy instance, and of one that answers in this form. */
export async function startCase(form: string, settings = ''): Promise<Case> {
  const code = CODES[form];
  const answer = FORMS[form];
  if (answer !== undefined) return httpCase(form, [await startHttp(good), await startHttp(answer)], settings);
  if (code === undefined) throw new Error(`no bad answer has the form ${form}`);
  const instances = [await startGrpc(goodCall), await startGrpc(badCall(code))];
  return { service: form, instances, scheme: 'h2c', settings, ask: (_, session) => call(session, form) };
}

/** What is late here is the machine: a limit that it keeps when it is busy. */
const configOf = ({ service, instances, scheme, settings }: Case): string => `
[[service]]
name = "${service}"
qos.latency = "3s"
instances = [${instances.map(({ port }) => `"${scheme}://127.0.0.1:${port}"`).join(', ')}]
${settings}
`;

export interface Running {
  readonly qedge: QedgeProcess;
  readonly session: ClientHttp2Session;
}

export async function startAll(cases: readonly Case[]): Promise<Running> {
  const qedge = await startQedge('pi-1', cases.map(configOf).join(''));
  const session = connect(qedge.url);
  await once(session, 'connect');
  onTestFinished(() => session.destroy());
  return { qedge, session };
}

/** Sends `count` requests at a steady rate; returns how many answers were good. */
export async function load(one: Case, { qedge, session }: Running, count: number): Promise<number> {
  const answers: Promise<boolean>[] = [];
  while (answers.length < count) {
    answers.push(one.ask(qedge, session));
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
  }
  return (await Promise.all(answers)).filter(Boolean).length;
}
