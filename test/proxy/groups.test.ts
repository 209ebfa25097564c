// The group of a request is that of its client's last answer: read from a field, or from the JSON while it passes.

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ServiceSpec, startInstance, startProxy, type TestProxy } from '../support/proxy.ts';

interface Answer {
  readonly fields?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** A small model and a large one, which both give `answer`; only the large one is accurate where there is much to see. */
async function detectors(group: ServiceSpec['group'], answer: Answer): Promise<TestProxy> {
  const instances = await Promise.all(
    [0, 1].map(() =>
      startInstance((request, response) => {
        request.resume();
        response.writeHead(200, { 'Content-Type': 'application/json', ...answer.fields });
        // In two pieces, so that neither is the whole.
        const body = Buffer.from(answer.body ?? '{}');
        response.write(body.subarray(0, 3));
        setImmediate(() => response.end(body.subarray(3)));
      }),
    ),
  );
  const profiles = [
    { accuracy: [78, 60], energy_mwh: 0.1, inference_ms: 10 },
    { accuracy: [79, 79], energy_mwh: 0.3, inference_ms: 30 },
  ];
  const policy = { name: 'multi-objective', options: { adapt: false } };
  return startProxy([
    { name: 'svc', ports: instances.map(({ port }) => port), profiles, policy, group: group ?? null },
  ]);
}

/** Where a client's second request goes, after one answer; and that the first answer came through whole. */
async function secondGoesTo({ url }: TestProxy, { body = '{}' }: Answer): Promise<string | null> {
  const headers = { 'X-QEdge-Service': 'svc', 'X-Client-Id': 'camera', 'Accept-Encoding': 'identity' };
  const first = await fetch(url, { headers });
  const bytes = Buffer.from(await first.arrayBuffer());
  if (first.headers.get('content-encoding') === null) expect(bytes.equals(Buffer.from(body))).toBe(true);
  const second = await fetch(url, { headers });
  await second.arrayBuffer();
  const other = await fetch(url, { headers: { ...headers, 'X-Client-Id': 'another' } });
  await other.arrayBuffer();
  expect(other.headers.get('x-qedge-instance')).toBe('n1/a');
  return second.headers.get('x-qedge-instance');
}

const BY_HEADER = { header: 'X-Object-Count', json: null };
const BY_JSON = { header: null, json: ['detections', 'length'] };
const BY_COUNT = { header: null, json: ['count'] };
const crowd = JSON.stringify({ detections: Array(4).fill({ label: 'car', score: 0.9 }) });

describe('the group of a request', () => {
  it.each([
    ['a field', BY_HEADER, { fields: { 'X-Object-Count': '3' } }],
    ['the length of an array', BY_JSON, { body: crowd }],
    [
      'the length of an array in JSON of a kind',
      BY_JSON,
      { body: crowd, fields: { 'Content-Type': 'application/geo+json; x=y' } },
    ],
    ['a number', BY_COUNT, { body: '{"count":1}' }],
  ] as const)('is read from %s', async (_name, group, answer) => {
    expect(await secondGoesTo(await detectors(group, answer), answer)).toBe('n2/b');
  });

  it.each([
    ['a field that is no number', BY_HEADER, { fields: { 'X-Object-Count': 'many' } }],
    ['a field that is missing', BY_HEADER, {}],
    ['JSON that is none', BY_JSON, { body: '{"detections":[1,2' }],
    ['JSON nested without end', BY_JSON, { body: `{"detections":${'['.repeat(20_000)}` }],
    ['a body that is no JSON', BY_JSON, { body: crowd, fields: { 'Content-Type': 'text/plain' } }],
    ['a compressed body', BY_JSON, { body: gzipSync(crowd), fields: { 'Content-Encoding': 'gzip' } }],
    ['a body beyond 64 KiB', BY_JSON, { body: JSON.stringify({ detections: Array(40_000).fill(1) }) }],
    ['a negative number', BY_COUNT, { body: '{"count":-1}' }],
  ] as const)('is not changed by %s', async (_name, group, answer) => {
    expect(await secondGoesTo(await detectors(group, answer), answer)).toBe('n1/a');
  });
});
