// Traces as a user has them: qedge as a process, instances, and a collector that holds each batch against the schema of OTLP.

import { createServer, type IncomingHttpHeaders } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startInstance } from '../support/http-instance.ts';
import { listening } from '../support/listening.ts';
import { type OtlpCollector, startCollector } from '../support/otlp-collector.ts';
import { type OtlpSpan, plain } from '../support/otlp-schema.ts';
import { PATIENCE } from '../support/patience.ts';
import { type QedgeProcess, startQedge } from '../support/qedge-process.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE_ID}-b7ad6b7169203331`;
const SERVER = 2;
const CLIENT = 3;

/** An instance that answers with the fields it was sent. */
async function startEcho(): Promise<{ readonly port: number; readonly seen: readonly IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.end('here');
  });
  onTestFinished(() => void server.close());
  return { port: await listening(server), seen };
}

interface Setting {
  readonly ports: readonly number[];
  readonly collector: OtlpCollector;
  readonly traces?: string;
  readonly workers?: number;
}

function start({ ports, collector, traces = '', workers = 1 }: Setting): Promise<QedgeProcess> {
  const instances = ports.map((port, i) => `{ node = "n${i}", id = "i", url = "http://127.0.0.1:${port}" }`);
  return startQedge(
    'pi',
    `workers = ${workers}
[traces]
endpoint = "${collector.endpoint}"
${traces}
[[service]]
name = "svc"
qos = { latency = "60s", success = 0.9, window = "1h" }
policy = "round-robin"
instances = [${instances.join(', ')}]
`,
  );
}

async function get({ url }: QedgeProcess, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(`${url}/infer?frame=7`, {
    headers: { 'x-qedge-service': 'svc', 'x-client-id': 'car-7', ...headers },
  });
  await answer.text();
  return answer.status;
}

const ofKind = (spans: readonly OtlpSpan[], kind: number): OtlpSpan[] => spans.filter((span) => span.kind === kind);

describe('traces', () => {
  it('go on from the client to the instance, through a span of the request and one of the attempt', async () => {
    const [echo, collector] = [await startEcho(), await startCollector()];
    const qedge = await start({ ports: [echo.port], collector });
    expect(await get(qedge, { traceparent: `${PARENT}-01`, tracestate: 'vendor=1' })).toBe(200);
    await qedge.stop();
    const [[server], [client]] = [ofKind(collector.spans, SERVER), ofKind(collector.spans, CLIENT)];
    expect(server).toMatchObject({ traceId: TRACE_ID, parentSpanId: 'b7ad6b7169203331', name: 'GET', flags: 0x301 });
    expect(client).toMatchObject({ traceId: TRACE_ID, parentSpanId: server?.spanId, name: 'GET', flags: 0x101 });
    expect(echo.seen[0]).toMatchObject({
      traceparent: `00-${TRACE_ID}-${client?.spanId}-01`,
      tracestate: 'vendor=1',
    });
    expect(plain(client?.attributes ?? [])).toMatchObject({
      'url.full': `http://127.0.0.1:${echo.port}/infer`,
      'http.response.status_code': 200,
      'qedge.instance': 'n0/i',
    });
    expect(plain(collector.resources[0] ?? [])).toMatchObject({ 'service.name': 'qedge', 'service.instance.id': 'pi' });
    const startedMs = Number(BigInt(server?.startTimeUnixNano ?? 0) / 1_000_000n);
    expect(Math.abs(Date.now() - startedMs)).toBeLessThan(600_000);
    expect(JSON.stringify(collector.spans)).not.toMatch(/car-7|frame=7/);
  });

  it('have a span for every attempt, the failed ones too', async () => {
    const [gone, instance, collector] = [await startInstance(), await startInstance(), await startCollector()];
    await gone.close();
    const qedge = await start({ ports: [gone.port, instance.port], collector });
    for (let i = 0; i < 4; i++) expect(await get(qedge)).toBe(200);
    await qedge.stop();
    const servers = ofKind(collector.spans, SERVER);
    expect(servers).toHaveLength(4);
    const clients = ofKind(collector.spans, CLIENT);
    const failed = clients.filter(({ status }) => status?.code === 2);
    expect(failed.length).toBeGreaterThan(0);
    expect(clients).toHaveLength(4 + failed.length);
    for (const span of failed) {
      const attributes = plain(span.attributes);
      expect(attributes).toMatchObject({ 'error.type': 'upstream-connect', 'qedge.instance': 'n0/i' });
      const retry = clients.find((one) => one.parentSpanId === span.parentSpanId && one !== span);
      expect(plain(retry?.attributes ?? [])).toMatchObject({ 'http.request.resend_count': 1 });
    }
  });

  it('leave what is not recorded byte for byte as it came', async () => {
    const [echo, collector] = [await startEcho(), await startCollector()];
    const qedge = await start({ ports: [echo.port], collector, traces: 'sample_ratio = 0' });
    await get(qedge, { traceparent: `${PARENT}-00`, tracestate: 'a=1 , b=2' });
    await get(qedge, { traceparent: 'nonsense' });
    await get(qedge);
    await qedge.stop();
    expect(echo.seen.map(({ traceparent, tracestate }) => [traceparent, tracestate])).toEqual([
      [`${PARENT}-00`, 'a=1 , b=2'],
      ['nonsense', undefined],
      [undefined, undefined],
    ]);
    expect(collector.posts).toEqual([]);
  });

  it('report what qedge refused itself', async () => {
    const collector = await startCollector();
    const qedge = await start({ ports: [(await startInstance()).port], collector });
    expect(await get(qedge, { 'x-qedge-service': 'nope' })).toBe(404);
    await qedge.stop();
    expect(collector.spans).toHaveLength(1);
    expect(plain(collector.spans[0]?.attributes ?? [])).toMatchObject({
      'http.response.status_code': 404,
      'error.type': 'unknown-service',
      'qedge.attempts': 0,
    });
    expect(collector.spans[0]?.status).toBeUndefined();
  });

  it('come from every worker, zipped, with the headers and the name that were asked for', async () => {
    const [instance, collector] = [await startInstance(), await startCollector()];
    const traces =
      'compression = "gzip"\nservice_name = "edge"\nclient_id = true\nheaders = { authorization = "Bearer t" }';
    const qedge = await start({ ports: [instance.port], collector, traces, workers: 2 });
    let sent = 0;
    await expect
      .poll(async () => {
        sent += 20;
        await Promise.all(Array.from({ length: 20 }, () => get(qedge, { connection: 'close' })));
        return collector.resources.length;
      }, PATIENCE)
      .toBeGreaterThan(0);
    await qedge.stop();
    expect(collector.posts[0]?.headers).toMatchObject({ 'content-encoding': 'gzip', authorization: 'Bearer t' });
    expect(plain(collector.resources[0] ?? [])).toMatchObject({ 'service.name': 'edge' });
    expect(plain(ofKind(collector.spans, SERVER)[0]?.attributes ?? [])).toMatchObject({ 'qedge.client': 'car-7' });
    // The kernel gives a connection to any worker.
    expect(ofKind(collector.spans, SERVER)).toHaveLength(sent);
    expect(ofKind(collector.spans, CLIENT)).toHaveLength(sent);
  });

  it('wait for a collector that is not ready, and are counted', async () => {
    let ready = false;
    const answer = () => (ready ? { status: 200 } : { status: 503, headers: { 'retry-after': '1' } });
    const [instance, collector] = [await startInstance(), await startCollector(answer)];
    const qedge = await start({ ports: [instance.port], collector });
    await get(qedge);
    await expect.poll(() => collector.posts.length, PATIENCE).toBeGreaterThan(0);
    ready = true;
    await expect.poll(() => collector.spans.length, PATIENCE).toBe(2);
    const [first = { atMs: 0 }, second = { atMs: 0 }] = collector.posts;
    expect(second.atMs - first.atMs).toBeGreaterThanOrEqual(990);
    const metrics = async (): Promise<string> => (await fetch(`${qedge.adminUrl}/metrics`)).text();
    await expect.poll(metrics, PATIENCE).toContain('qedge_trace_spans_total{result="exported"} 2\n');
  });

  it('lost by a collector that is away cost no request and no stop', async () => {
    const collector = await startCollector();
    const instance = await startInstance();
    const away = { ...collector, endpoint: 'http://127.0.0.1:1/v1/traces' };
    const qedge = await start({ ports: [instance.port], collector: away });
    for (let i = 0; i < 5; i++) expect(await get(qedge)).toBe(200);
    expect(await qedge.stop()).toBe(0);
    expect(qedge.log.find(({ msg }) => msg === 'traces were not delivered')).toMatchObject({ spans: 10 });
  });
});
