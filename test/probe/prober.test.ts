// Probing over real sockets: other processes' ping answers, instances without a qedge, and ports where nothing listens.

import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createRng } from '../../src/core/rng.ts';
import { createProber } from '../../src/probe/prober.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { textOf } from '../support/metrics.ts';

function startProber({ changeRatio = 0.3, timeoutMs = 500, intervalMs = 20 } = {}) {
  const rtts: (readonly [string, number])[] = [];
  const clocks: (readonly [string, boolean])[] = [];
  const answers: string[] = [];
  const changes: { nodeId: string; fromMs: number; toMs: number }[] = [];
  const logLines: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const prober = createProber({
    config: { intervalMs, ratePerSecondMax: 200, timeoutMs, changeRatio },
    clock: { nowMs: () => performance.now() },
    rng: createRng(1),
    log: pino({ level: 'info' }, { write: (line: string) => void logLines.push(JSON.parse(line)) }),
    metrics,
    onClock: (nodeId, agrees) => void clocks.push([nodeId, agrees]),
    onAnswer: (nodeId) => void answers.push(nodeId),
    onRtt: (nodeId, rttMs) => void rtts.push([nodeId, rttMs]),
    onEnvironmentChange: (change) => void changes.push(change),
  });
  prober.start();
  onTestFinished(() => prober.stop());
  return { prober, rtts, clocks, answers, changes, metrics, logLines };
}

/** A node whose ping is answered after `delayMs()`. */
async function startNode(delayMs: () => number, status = 204) {
  const paths: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    paths.push(request.url ?? '');
    setTimeout(() => response.writeHead(status, { 'X-QEdge-Time': Date.now() }).end(), delayMs());
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { target: { ping: { host: '127.0.0.1', port }, connect: [] }, paths, sockets };
}

const soon = { timeout: 60_000, interval: 10 };

describe('the prober', () => {
  it("pings a node's qedge over one kept connection and reports its round trip", async () => {
    const node = await startNode(() => 20);
    const { prober, rtts, metrics } = startProber();
    prober.setTarget('n1', node.target);
    await vi.waitFor(() => expect(rtts.length).toBeGreaterThanOrEqual(5), soon);
    expect(new Set(node.paths)).toEqual(new Set(['/-/ping']));
    expect(node.sockets.size).toBe(1);
    // Timers fire up to 1 ms early; nothing bounds how late a busy machine answers.
    for (const [nodeId, rttMs] of rtts) expect([nodeId, rttMs >= 19]).toEqual(['n1', true]);
    expect(prober.state()).toMatchObject([{ nodeId: 'n1', method: 'ping', failures: 0 }]);
    expect(textOf(metrics)).toMatch(/qedge_probes_total\{outcome="answered"\} [1-9]/);
  });

  it.each([
    ['moves to another host', { ping: { host: '127.0.0.2', port: 1 }, connect: [] }],
    ['is gone', null],
  ])('believes the clock of a node no more when it %s', async (_, target) => {
    const node = await startNode(() => 0);
    const { prober, clocks } = startProber({ timeoutMs: 10_000 });
    prober.setTarget('n1', node.target);
    await vi.waitFor(() => expect(clocks.at(-1)).toEqual(['n1', true]), soon);
    prober.setTarget('n1', target);
    expect(clocks.at(-1)).toEqual(['n1', false]);
  });

  it('times a TCP connect to the first instance that accepts one, where no qedge runs', async () => {
    const instance = createTcpServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => void instance.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void instance.close());
    const { port } = instance.address() as AddressInfo;
    const { prober, rtts } = startProber();
    const connect = [
      { host: '127.0.0.1', port: 1 },
      { host: '127.0.0.1', port },
    ];
    prober.setTarget('n1', { ping: null, connect });
    await vi.waitFor(() => expect(rtts.length).toBeGreaterThanOrEqual(2), soon);
    expect(prober.state()).toMatchObject([{ nodeId: 'n1', method: 'connect', failures: 0 }]);
  });

  it('believes no late answer that this process was too busy to read in time', async () => {
    const node = await startNode(() => 5);
    const { prober, rtts, answers } = startProber({ timeoutMs: 10_000 });
    // Busy nearly all of the time: each answer waits for the end of a stretch of 40 ms.
    const block = setInterval(() => {
      const endMs = performance.now() + 40;
      while (performance.now() < endMs);
    }, 45);
    prober.setTarget('n1', node.target);
    await vi.waitFor(() => expect(answers.length).toBeGreaterThanOrEqual(4), soon);
    clearInterval(block);
    // One may be read in a gap; what was read late is dropped, so none that is believed holds a stretch of 40 ms.
    expect(rtts.length).toBeLessThan(answers.length);
    expect(rtts.filter(([, rttMs]) => rttMs >= 40)).toEqual([]);
    await vi.waitFor(() => expect(rtts.length).toBeGreaterThanOrEqual(1), soon);
  });

  it('asks a node again before its turn while its answers were read too late', async () => {
    const node = await startNode(() => 5);
    const { prober, rtts, answers } = startProber({ intervalMs: 600_000, timeoutMs: 10_000 });
    const block = setInterval(() => {
      const endMs = performance.now() + 40;
      while (performance.now() < endMs);
    }, 45);
    prober.setTarget('n1', node.target);
    await vi.waitFor(() => expect(answers.length).toBeGreaterThanOrEqual(2), soon);
    clearInterval(block);
    await vi.waitFor(() => expect(rtts.length).toBeGreaterThanOrEqual(1), soon);
  });

  it('replaces what an earlier run measured by no fewer than three samples', async () => {
    const node = await startNode(() => 5);
    const { prober, rtts, answers } = startProber();
    prober.know('n1');
    prober.setTarget('n1', node.target);
    prober.setTarget('n2', node.target);
    await vi.waitFor(() => expect(rtts.some(([nodeId]) => nodeId === 'n1')).toBe(true), soon);
    // The first answer of a node is none of them.
    expect(answers.filter((nodeId) => nodeId === 'n1').length).toBeGreaterThanOrEqual(4);
  });

  it('reports a changed environment when the round trip makes a step', async () => {
    let delayMs = 5;
    const node = await startNode(() => delayMs);
    const { prober, rtts, changes } = startProber();
    prober.setTarget('n1', node.target);
    await vi.waitFor(() => expect(rtts.length).toBeGreaterThanOrEqual(5), soon);
    delayMs = 200;
    // A busy machine makes steps of its own, small ones.
    await vi.waitFor(() => expect(changes.at(-1)?.toMs ?? 0).toBeGreaterThan(90), soon);
    expect(changes.at(-1)).toMatchObject({ nodeId: 'n1' });
  });

  it('learns nothing from a node that refuses, is silent, or is no qedge, and says so once', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const stranger = await startNode(() => 0, 404);
    const { prober, rtts, logLines } = startProber({ timeoutMs: 50 });
    prober.setTarget('refusing', { ping: { host: '127.0.0.1', port: 1 }, connect: [] });
    prober.setTarget('silent', { ping: { host: '127.0.0.1', port }, connect: [] });
    prober.setTarget('stranger', stranger.target);
    await vi.waitFor(() => {
      for (const { failures } of prober.state()) expect(failures).toBeGreaterThanOrEqual(5);
    }, soon);
    expect(rtts).toEqual([]);
    expect(prober.state().map(({ rttMs }) => rttMs)).toEqual([null, null, null]);
    expect(logLines.map(({ peer }) => peer).sort()).toEqual(['refusing', 'silent', 'stranger']);
    expect(logLines.find(({ peer }) => peer === 'stranger')).toMatchObject({
      msg: 'node cannot be probed, its distance stays unknown',
      at: `127.0.0.1:${stranger.target.ping.port}`,
      reason: expect.stringContaining('404'),
    });
  });

  it('keeps what it measured when another instance of the same host is to be timed', async () => {
    const node = await startNode(() => 0);
    const { prober, rtts } = startProber();
    prober.setTarget('n1', node.target);
    await vi.waitFor(() => expect(rtts.length).toBeGreaterThanOrEqual(1), soon);
    prober.setTarget('n1', { ping: null, connect: [{ host: '127.0.0.1', port: 1 }] });
    expect(prober.state()[0]?.rttMs).not.toBeNull();
    prober.setTarget('n1', null);
    expect(prober.state()).toEqual([]);
  });
});
