import { join } from 'node:path';
import { setEnvironmentData, Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FromWorker, ToWorker, WorkerStart } from '../../../src/app/workers/messages.ts';
import { WorkerPool } from '../../../src/app/workers/pool.ts';
import { SharedFlights, sharedFlightsMemory } from '../../../src/core/router/shared-flights.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { configFrom } from '../../support/config.ts';
import { startInstance } from '../../support/http-instance.ts';
import { freePort } from '../../support/listening.ts';
import { textOf } from '../../support/metrics.ts';
import { PATIENCE } from '../../support/patience.ts';

const TOML = `
[node]
id = "pi-7"
[proxy]
workers = 2
[[service]]
name = "a"
qos.latency = "60s"
policy = "round-robin"
`;

/** A pool of one worker, which ends or hangs when it is asked to, in front of one instance. */
async function startPool() {
  const fault = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData('qedge.test.fault', fault);
  const { port: instancePort } = await startInstance();
  const port = await freePort();
  const logged: string[] = [];
  const metrics = createMetrics();
  const flightsMemory = sharedFlightsMemory(2, 7_654_321);
  /** Reports that the worker was told to make, and those that it made. */
  const reports: ('told' | 'made')[] = [];
  const start = (name: string, workerData: WorkerStart): Worker => {
    const options = { name, workerData, stdout: true, stderr: true };
    const worker = new Worker(join(import.meta.dirname, 'faulty-worker.ts'), options);
    worker.on('message', ({ kind }: FromWorker) => void (kind === 'report' && reports.push('made')));
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (message: ToWorker) => {
      if (message.kind === 'report') reports.push('told');
      post(message);
    };
    return worker;
  };
  const instance = {
    service: 'a',
    nodeId: 'n',
    id: 'i',
    scheme: 'http',
    host: '127.0.0.1',
    port: instancePort,
  } as const;
  const update = { kind: 'instance-set', instance: { ...instance, labels: {}, profile: null } } as const;
  const replacement = {
    config: configFrom(TOML),
    messages: [{ kind: 'placement', service: 'a', update } as const, { kind: 'start', learned: [], ageMs: 0 } as const],
    listeners: [{ name: 'proxy', host: '127.0.0.1', port }],
  };
  const pool = new WorkerPool({
    log: pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line).msg) }),
    metrics,
    flightsMemory,
    startThread: start,
    onEvent: () => {},
    onAttempts: () => {},
    onLoss: (message) => logged.push(`lost: ${message}`),
    onLog: () => {},
    replacement: () => replacement,
    roundMs: 150,
  });
  onTestFinished(() => pool.close());
  pool.spawn(replacement.config, '0');
  for (const message of replacement.messages) pool.send(message);
  await pool.listen(replacement.listeners, new Map());
  const status = async (): Promise<number> => {
    const headers = { 'x-qedge-service': 'a', connection: 'close' };
    return (await fetch(`http://127.0.0.1:${port}/`, { headers })).status;
  };
  const cause = (kind: 'end' | 'hang'): void => void Atomics.store(fault, 0, kind === 'end' ? 1 : 2);
  return { pool, metrics, flightsMemory, logged, reports, status, cause };
}

describe('a worker that nothing is asked of', () => {
  it('reports when it is told to alone, is there all the same, and reports often again once it is asked for something', async () => {
    const { pool, metrics, logged, reports, status } = await startPool();
    const askedMs = performance.now();
    expect(await status()).toBe(200);
    const answeredMs = performance.now();
    await expect.poll(() => reports.slice(-6), PATIENCE).toEqual(['told', 'made', 'told', 'made', 'told', 'made']);
    expect(pool.absent).toEqual([]);
    // The clocks of two threads are this near to each other.
    expect(pool.answeredMs('a', 'n/i')).toBeGreaterThan(askedMs - 100);
    expect(pool.answeredMs('a', 'n/i')).toBeLessThan(answeredMs + 100);
    expect(await status()).toBe(200);
    await expect.poll(() => reports.slice(-3), PATIENCE).toEqual(['made', 'made', 'made']);
    expect(textOf(metrics)).toContain('qedge_requests_total{service="a",code="200"} 2\n');
    expect(logged).toEqual([]);
  });
});

describe('a worker that ends', () => {
  it('is replaced, and the one in its place serves what it did', async () => {
    const { pool, metrics, flightsMemory, logged, status, cause } = await startPool();
    expect(await status()).toBe(200);
    await expect.poll(() => textOf(metrics), PATIENCE).toContain('qedge_requests_total{service="a",code="200"} 1\n');
    const [first, second] = [new SharedFlights(flightsMemory, 0), new SharedFlights(flightsMemory, 1)];
    // In flight when it ends.
    second.add(first.slotOf('a', 'n/i'), 3);
    expect(first.all(first.slotOf('a', 'n/i'))).toBe(3);
    cause('end');
    await expect.poll(() => logged, PATIENCE).toContain('worker serves in place of one that ended');
    expect(logged).toContain('worker ended, another takes its place');
    expect(first.all(first.slotOf('a', 'n/i'))).toBe(0);
    expect(await status()).toBe(200);
    expect(pool.absent).toEqual([]);
    await expect.poll(() => textOf(metrics), PATIENCE).toContain('qedge_requests_total{service="a",code="200"} 2\n');
    expect(textOf(metrics)).toContain('qedge_workers_replaced_total 1\n');
    expect(textOf(metrics)).toContain('qedge_workers_absent 0\n');
  });
});

describe('a worker that ends before it listens', () => {
  it('ends the start, rather than to be missing from then on', async () => {
    const failed = Promise.withResolvers<void>();
    const pool = new WorkerPool({
      log: pino({ level: 'error' }, { write: () => failed.resolve() }),
      metrics: createMetrics(),
      startThread: (name) => new Worker('throw new Error("no memory")', { eval: true, name }),
      onEvent: () => {},
      onAttempts: () => {},
      onLoss: () => {},
      onLog: () => {},
      replacement: () => ({ config: configFrom(TOML), messages: [], listeners: [] }),
    });
    onTestFinished(() => pool.close());
    pool.spawn(configFrom(TOML), '0');
    await failed.promise;
    await expect.poll(() => pool.listen([], new Map()).catch(String), PATIENCE).toMatch(/worker-1 ended/);
  });
});

describe('a worker that hangs', () => {
  it('is absent and keeps the watchdog from being fed, is ended, and then replaced', async () => {
    const { pool, logged, status, cause } = await startPool();
    cause('hang');
    await expect.poll(() => pool.responsive, { ...PATIENCE, interval: 10 }).toBe(false);
    expect(pool.absent).toEqual(['worker-1']);
    await expect.poll(() => logged, PATIENCE).toContain('worker serves in place of one that ended');
    expect(logged).toContain('worker hangs and is ended');
    expect(pool.responsive).toBe(true);
    expect(await status()).toBe(200);
    cause('hang');
    await pool.drain({ succeeded: false });
  });
});
