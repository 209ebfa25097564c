import { once } from 'node:events';
import { connect } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { logAccess } from '../../../../src/proxy/exchange/record/access-log.ts';
import { createProxy } from '../../../../src/proxy/proxy.ts';
import { createMetrics } from '../../../../src/telemetry/metrics.ts';
import { textOf } from '../../../support/metrics.ts';
import { proxyConfig, serviceOf } from '../../../support/proxy.ts';

describe('the access log', () => {
  it('reports the path, and never the query', () => {
    const lines: string[] = [];
    const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) });
    const line = {
      service: 'svc',
      instance: 'n1/a',
      client: 'cam',
      requestId: 'r',
      method: 'GET',
      status: 200,
      attempts: 1,
    };
    logAccess(log, { ...line, target: '/infer?token=secret', latencyMs: 12.3456 });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ ...line, target: '/infer', latencyMs: 12.35, msg: 'request' });
    expect(lines.join()).not.toContain('secret');
  });
});

/** A proxy of one service without instances, and what its access log holds. */
async function loggingProxy() {
  const lines: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const proxy = createProxy({
    nodeId: 'n0',
    config: proxyConfig(),
    services: [serviceOf({ name: 'svc', ports: [] })],
    clock: { nowMs: () => performance.now() },
    metrics,
    log: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    accessLog: true,
    onHealth: null,
  });
  onTestFinished(() => proxy.close());
  const [listener] = await proxy.listen();
  return { lines, metrics, port: listener?.port ?? 0 };
}

describe('a request without a service', () => {
  it('is logged and counted when its service is unknown', async () => {
    const { lines, metrics, port } = await loggingProxy();
    const answer = await fetch(`http://127.0.0.1:${port}/infer?a=b`, { headers: { 'X-QEdge-Service': 'svcc' } });
    expect(answer.status).toBe(404);
    const line = { service: null, client: '127.0.0.1', method: 'GET', target: '/infer', status: 404 };
    await vi.waitFor(() => expect(lines).toContainEqual(expect.objectContaining(line)));
    expect(textOf(metrics)).toMatch(/^qedge_requests_total\{service="",code="404"\} 1$/m);
  });

  it('is logged and counted when it cannot be read', async () => {
    const { lines, metrics, port } = await loggingProxy();
    const socket = connect(port, '127.0.0.1').end('GET / HTTP/1.1\r\nHost: a\r\nBad Field: x\r\n\r\n').resume();
    await once(socket, 'close');
    await vi.waitFor(() => expect(lines).toContainEqual(expect.objectContaining({ service: null, status: 400 })));
    expect(textOf(metrics)).toMatch(/^qedge_requests_total\{service="",code="400"\} 1$/m);
  });
});
