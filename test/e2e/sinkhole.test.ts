// Bad answers are cheap, so an instance that gives them looks quick. In any form, they must not attract requests: beside a
// healthy instance of 30 ms stands one that answers badly at once.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Counted, FORMS, httpCase, load, startAll, startCase, startHttp } from '../support/bad-answers.ts';
import { QEDGE } from '../support/qedge-command.ts';
import type { QedgeProcess } from '../support/qedge-process.ts';

/** A few at a time, so that a busy machine is not what is late. */
const GROUPS: readonly string[][] = [
  ['status-429', 'status-404', 'status-501'],
  ['empty', 'redirect', 'declared'],
  ['json-error', 'cut-length', 'cut-gzip', 'cut-multipart'],
  ['grpc-14', 'grpc-8', 'grpc-12'],
];

/** What is said of each. */
const REASONS: Readonly<Record<string, string>> = {
  'status-429': 'status 429',
  'status-404': 'status 404',
  'status-501': 'status 501',
  empty: 'empty body',
  'json-error': 'problem details',
  redirect: 'status 307',
  declared: 'declared bad',
  'cut-length': 'cut off',
  'cut-gzip': 'cut off',
  'cut-multipart': 'cut off',
  'grpc-14': 'grpc 14 UNAVAILABLE',
  'grpc-8': 'grpc 8 RESOURCE_EXHAUSTED',
  'grpc-12': 'grpc 12 UNIMPLEMENTED',
};

/** Forms for which another instance is asked, and what makes it so. */
const REPEATED = [
  ['status-429', 'retry.idempotent = true'],
  ['status-404', 'retry = { idempotent = true, statuses = [404] }'],
  ['status-501', 'retry = { idempotent = true, statuses = [501] }'],
  ['grpc-14', 'retry.idempotent = true'],
  ['grpc-8', 'retry.idempotent = true'],
] as const;

/** Five seconds and ten of requests, and more of both where the machine is busy. */
const LEARNED = 100;
const COUNTED = 200;

interface ServiceState {
  readonly service: string;
  readonly clientsSatisfiedRatio: number | null;
  readonly instances: readonly {
    readonly key: string;
    readonly weight: number;
    readonly successProbability: number | null;
    readonly reasons: readonly { readonly reason: string }[];
  }[];
}

async function servicesOf({ adminUrl }: QedgeProcess): Promise<readonly ServiceState[]> {
  return ((await (await fetch(`${adminUrl}/api/v1/state`)).json()) as { services: ServiceState[] }).services;
}

const instancesOf = (services: readonly ServiceState[], name: string): ServiceState['instances'] =>
  services.find(({ service }) => service === name)?.instances ?? [];

const weightsOf = (services: readonly ServiceState[], name: string): readonly number[] =>
  instancesOf(services, name).map(({ weight }) => weight);

const keyOf = ({ port }: Counted): string => `127.0.0.1/${port}`;

async function statusOf({ adminUrl }: QedgeProcess): Promise<readonly string[]> {
  const [program, ...args] = QEDGE;
  return (await promisify(execFile)(program, [...args, 'status', '--url', adminUrl])).stdout.split('\n');
}

describe('an instance that answers badly at once', { timeout: 120_000 }, () => {
  it.each(GROUPS)('gets next to no requests beside a healthy one: %s, %s, %s', async (...forms) => {
    const cases = await Promise.all(forms.map((form) => startCase(form)));
    const running = await startAll(cases);
    await Promise.all(cases.map((one) => load(one, running, LEARNED)));
    for (const { instances } of cases) for (const instance of instances) instance.requests = 0;
    const good = await Promise.all(cases.map((one) => load(one, running, COUNTED)));
    const named = await servicesOf(running.qedge);
    const status = await statusOf(running.qedge);
    const wrong = cases.flatMap(({ service, instances }, i) => {
      const bad = instances[1] as Counted;
      const badShare = bad.requests / COUNTED;
      const goodShare = (good[i] ?? 0) / COUNTED;
      const state = instancesOf(named, service).find(({ key }) => key === keyOf(bad));
      const reason = state?.reasons[0]?.reason;
      const line = status.find((text) => text.includes(keyOf(bad)));
      const isNamed = reason === REASONS[service] && line?.includes(`${reason} `) === true;
      return badShare <= 0.03 && goodShare >= 0.97 && isNamed ? [] : [{ service, badShare, goodShare, reason, line }];
    });
    expect(wrong).toEqual([]);
  });

  it('costs its clients next to nothing where its answer is set aside for the healthy one', async () => {
    const cases = await Promise.all(REPEATED.map(([form, retry]) => startCase(form, retry)));
    const running = await startAll(cases);
    await Promise.all(cases.map((one) => load(one, running, LEARNED)));
    const good = await Promise.all(cases.map((one) => load(one, running, COUNTED)));
    for (const answers of good) expect(answers / COUNTED).toBeGreaterThanOrEqual(0.995);
  });

  it('loses nothing where it is alone, and where all answer alike', async () => {
    const refuse = FORMS['status-404'] as (response: ServerResponse) => void;
    const alone = httpCase('alone', [await startHttp(refuse)]);
    const alike = httpCase('alike', [await startHttp(refuse), await startHttp(refuse), await startHttp(refuse)]);
    const running = await startAll([alone, alike]);
    await Promise.all([load(alone, running, LEARNED), load(alike, running, LEARNED)]);
    const services = await servicesOf(running.qedge);
    expect(alone.instances[0]?.requests).toBe(LEARNED);
    expect(weightsOf(services, 'alone')).toEqual([1]);
    const share = 1 / 3;
    for (const weight of weightsOf(services, 'alike')) expect(Math.abs(weight - share)).toBeLessThan(0.1);
    for (const { requests } of alike.instances) expect(requests / LEARNED).toBeGreaterThan(0.2);
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
    const { qedge } = await startAll(cases);
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
    const opinions = async () =>
      (await servicesOf(qedge)).map(({ clientsSatisfiedRatio, instances }) => ({
        clientsSatisfiedRatio,
        doubted: instances.filter(({ successProbability }) => (successProbability ?? 0) < 0.95).length,
      }));
    const wanted = cases.map(() => ({ clientsSatisfiedRatio: 1, doubted: 0 }));
    await expect.poll(opinions, { timeout: 8000 }).toEqual(wanted);
  });
});
