import { describe, expect, it } from 'vitest';
import type { RequestFacts } from '../../../src/telemetry/traces/request-trace.ts';
import type { Span } from '../../../src/telemetry/traces/span.ts';
import { Tracer, type TracerOptions } from '../../../src/telemetry/traces/tracer.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const FACTS: RequestFacts = {
  grpcStatus: null,
  method: 'POST',
  target: '/infer?token=secret',
  scheme: 'http',
  host: 'pilotnet.local:8080',
  httpVersion: '1.1',
  service: 'pilotnet',
  client: 'car-7',
  requestId: 'r-1',
};
const TARGET = { key: 'pi-7/a', instance: { scheme: 'http', host: '10.0.0.7', port: 9000 } };

function setUp(options: Partial<TracerOptions> = {}): { tracer: Tracer; spans: Span[] } {
  const spans: Span[] = [];
  const tracer = new Tracer({
    sampleRatio: 1,
    clientId: false,
    sink: (span) => spans.push(span),
    wallNowMs: () => 1_700_000_000_000,
    random: () => 0.5,
    ...options,
  });
  return { tracer, spans };
}

describe('what is recorded', () => {
  it('is what the parent says, with any ratio', () => {
    const never = setUp({ sampleRatio: 0 }).tracer;
    expect(never.begin(['TraceParent', PARENT], 0)).not.toBeNull();
    const always = setUp().tracer;
    expect(always.begin(['traceparent', PARENT.replace(/01$/, '00')], 0)).toBeNull();
  });

  it('is a share of what comes without a parent', () => {
    expect(setUp({ sampleRatio: 0.6 }).tracer.begin([], 0)).not.toBeNull();
    expect(setUp({ sampleRatio: 0.4 }).tracer.begin([], 0)).toBeNull();
    expect(setUp({ sampleRatio: 0 }).tracer.begin([], 0)).toBeNull();
  });

  it('leaves the fields of all other requests as they came', () => {
    const { tracer } = setUp({ sampleRatio: 0 });
    for (const fields of [
      ['Accept', '*/*'],
      ['Traceparent', PARENT.replace(/01$/, '00'), 'tracestate', 'a=1'],
      ['traceparent', 'nonsense', 'tracestate', 'a=1'],
    ]) {
      const before = [...fields];
      expect(tracer.begin(fields, 0)).toBeNull();
      expect(fields).toEqual(before);
    }
  });
});

describe('the spans of a request', () => {
  it('are one of the server and one of the client for each attempt, linked by their ids', () => {
    const { tracer, spans } = setUp();
    const fields = ['Accept', '*/*', 'Traceparent', PARENT, 'tracestate', 'a=1'];
    const trace = tracer.begin(fields, 100);
    trace?.attemptStarted(fields, TARGET, 101);
    const first = fields[3];
    trace?.attemptEnded(103, { error: 'upstream-connect' });
    trace?.attemptStarted(fields, { ...TARGET, key: 'pi-8/a' }, 104);
    const second = fields[3];
    trace?.attemptEnded(110, { status: 200 });
    trace?.end(112, 200, FACTS);
    expect(spans.map(({ kind }) => kind)).toEqual(['client', 'client', 'server']);
    const [one, two, server] = spans as [Span, Span, Span];
    expect([one.parentSpanId, two.parentSpanId, server.parentSpanId]).toEqual([
      server.spanId,
      server.spanId,
      'b7ad6b7169203331',
    ]);
    expect([first, second]).toEqual([one, two].map(({ spanId }) => `00-0af7651916cd43dd8448eb211c80319c-${spanId}-01`));
    expect(fields.slice(4)).toEqual(['tracestate', 'a=1']);
    expect(spans.map(({ traceState }) => traceState)).toEqual(['a=1', 'a=1', 'a=1']);
    expect(spans.map(({ startMs, endMs }) => [startMs, endMs].map((ms) => ms - 1_700_000_000_000))).toEqual([
      [1, 3],
      [4, 10],
      [0, 12],
    ]);
    expect(spans.map(({ failed }) => failed)).toEqual([true, false, false]);
  });

  it('say what the conventions for HTTP say, without the query and without the client', () => {
    const { tracer, spans } = setUp();
    const fields: string[] = [];
    const trace = tracer.begin(fields, 0);
    trace?.attemptStarted(fields, TARGET, 1);
    trace?.attemptEnded(2, { status: 503 });
    trace?.end(3, 503, FACTS);
    const [client, server] = spans.map(({ attributes }) => Object.fromEntries(attributes));
    expect(client).toEqual({
      'http.request.method': 'POST',
      'url.full': 'http://10.0.0.7:9000/infer',
      'server.address': '10.0.0.7',
      'server.port': 9000,
      'network.protocol.version': '1.1',
      'http.response.status_code': 503,
      'error.type': '503',
      'qedge.service': 'pilotnet',
      'qedge.instance': 'pi-7/a',
    });
    expect(server).toEqual({
      'http.request.method': 'POST',
      'url.scheme': 'http',
      'url.path': '/infer',
      'server.address': 'pilotnet.local',
      'server.port': 8080,
      'network.protocol.version': '1.1',
      'http.response.status_code': 503,
      'error.type': '503',
      'qedge.service': 'pilotnet',
      'qedge.attempts': 1,
      'qedge.request.id': 'r-1',
    });
  });

  it('name the client only where that is wanted', () => {
    const { tracer, spans } = setUp({ clientId: true });
    tracer.begin([], 0)?.end(1, 404, FACTS);
    expect(Object.fromEntries(spans[0]?.attributes ?? [])).toMatchObject({ 'qedge.client': 'car-7' });
  });

  it('end with the request: an attempt that was left behind has its error', () => {
    const { tracer, spans } = setUp();
    const fields: string[] = [];
    const trace = tracer.begin(fields, 0);
    trace?.attemptStarted(fields, TARGET, 1);
    trace?.failed('client-gone');
    trace?.end(5, 0, { ...FACTS, method: 'BREW' });
    const attributes = spans.map((span) => Object.fromEntries(span.attributes));
    expect(attributes.map((one) => one['error.type'])).toEqual(['client-gone', 'client-gone']);
    expect(attributes[1]).toMatchObject({ 'http.request.method': '_OTHER', 'http.request.method_original': 'BREW' });
    expect(attributes[1]).not.toHaveProperty('http.response.status_code');
    expect(spans.map(({ name, failed }) => [name, failed])).toEqual([
      ['HTTP', true],
      ['HTTP', true],
    ]);
  });

  it('begin again where the parent cannot be read, and nothing of it goes on', () => {
    const { tracer, spans } = setUp();
    const fields = ['traceparent', PARENT, 'Traceparent', PARENT, 'tracestate', 'a=1', 'Accept', '*/*'];
    const trace = tracer.begin(fields, 0);
    trace?.attemptStarted(fields, TARGET, 1);
    trace?.end(2, 200, FACTS);
    expect(fields).toEqual([
      'Accept',
      '*/*',
      'traceparent',
      expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    ]);
    expect(fields[3]).not.toContain('0af7651916cd43dd8448eb211c80319c');
    expect(spans.at(-1)).toMatchObject({ parentSpanId: null, traceState: '' });
  });

  it('follow a wall clock that is set', () => {
    let wallMs = 1_000;
    const { tracer, spans } = setUp({ wallNowMs: () => wallMs });
    tracer.begin([], 0)?.end(1, 200, FACTS);
    wallMs = 9_000_000;
    tracer.begin([], 10)?.end(11, 200, FACTS);
    expect(spans.map(({ startMs }) => startMs)).toEqual([1_000, 9_000_000]);
  });
});
