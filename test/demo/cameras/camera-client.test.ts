import { createServer } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { CameraClient, type CameraOptions } from '../../../src/demo/cameras/camera-client.ts';
import { createCameras, totalsOf } from '../../../src/demo/cameras/load.ts';
import { EmulatedService, type EmulatedServiceOptions } from '../../../src/demo/emulated/service.ts';
import { ROAD } from '../../../src/demo/scenes/road.ts';
import { listening } from '../../support/listening.ts';
import { PATIENCE } from '../../support/patience.ts';

const running: { stop(): Promise<void> }[] = [];

async function server(options: Partial<EmulatedServiceOptions> = {}): Promise<EmulatedService> {
  const service = await EmulatedService.start({
    work: { meanMs: 1, variation: 0 },
    link: { oneWayMs: 0, jitterMs: 0 },
    rng: createRng(1),
    answer: (body) => body.length,
    ...options,
  });
  running.push({ stop: () => service.close() });
  return service;
}

function camera(options: Partial<CameraOptions>): CameraClient {
  const client = new CameraClient({
    clientId: 'car-01',
    service: 'pilotnet',
    origin: 'http://127.0.0.1:9',
    frames: [Buffer.from('one'), Buffer.from('two')],
    framesPerSecond: 50,
    firstFrame: 0,
    phase: 0,
    latencyMs: 60_000,
    windowMs: 3_600_000,
    answerTimeoutMs: 60_000,
    ...options,
  });
  running.unshift(client);
  client.start();
  return client;
}

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

describe('a camera', () => {
  it('counts answers within the limit as successes', async () => {
    const { port } = await server();
    const client = camera({ origin: `http://127.0.0.1:${port}` });
    await vi.waitFor(() => expect(client.inTime).toBeGreaterThanOrEqual(5), PATIENCE);
    expect(client.late + client.failed).toBe(0);
    expect(client.window.ratio(performance.now())).toBe(1);
  });

  it('counts answers past the limit as late', async () => {
    const { port } = await server({ work: { meanMs: 60, variation: 0 } });
    const client = camera({ origin: `http://127.0.0.1:${port}`, latencyMs: 30 });
    await vi.waitFor(() => expect(client.late).toBeGreaterThanOrEqual(2), PATIENCE);
    expect(client.inTime).toBe(0);
    expect(client.window.ratio(performance.now())).toBe(0);
  });

  it('goes on sending while it waits for answers', async () => {
    const { port } = await server({ work: { meanMs: 600_000, variation: 0 } });
    const client = camera({ origin: `http://127.0.0.1:${port}` });
    await vi.waitFor(() => expect(client.sent).toBeGreaterThanOrEqual(4), PATIENCE);
    expect(client.inTime + client.late + client.failed).toBe(0);
  });

  it('sends as many frames a second as it is asked', async () => {
    const { port } = await server();
    const client = camera({ origin: `http://127.0.0.1:${port}`, framesPerSecond: 200 });
    await vi.waitFor(() => expect(client.sent).toBeGreaterThanOrEqual(3), PATIENCE);
    client.setFrameRate(0.001);
    // The frame that was due already may still go out.
    const sent = client.sent;
    await vi.waitFor(() => expect(client.inTime).toBeGreaterThanOrEqual(sent), PATIENCE);
    expect(client.sent).toBeLessThanOrEqual(sent + 1);
  });

  it('counts what is not answered as failed', async () => {
    const refusing = await server();
    await refusing.close();
    const client = camera({ origin: `http://127.0.0.1:${refusing.port}` });
    await vi.waitFor(() => expect(client.failed).toBeGreaterThanOrEqual(2), PATIENCE);
    expect(client.inTime + client.late).toBe(0);
  });
});

describe('a camera that the proxy refuses for want of room', () => {
  it.each([
    ['overloaded', 'refused'],
    ['no-instance', 'failed'],
  ] as const)('counts %s as %s', async (code, counted) => {
    const proxy = createServer((_request, response) => {
      response.writeHead(503, { 'x-qedge-error': code }).end();
    });
    running.push({ stop: async () => void proxy.close() });
    const client = camera({ origin: `http://127.0.0.1:${await listening(proxy)}` });
    await vi.waitFor(() => expect(client[counted]).toBeGreaterThanOrEqual(2), PATIENCE);
    expect(client.refused + client.failed).toBe(client[counted]);
  });
});

describe('the load', () => {
  it.each([1, 2, 5, 12, 100])('divides %i cameras among the services, each with a name of its own', (clients) => {
    const options = { scene: ROAD, origin: 'http://127.0.0.1:9', frames: [Buffer.from('frame')], rng: createRng(1) };
    const cameras = createCameras({ ...options, clients });
    expect(new Set(cameras.map(({ clientId }) => clientId)).size).toBe(clients);
    const cars = cameras.filter(({ service }) => service === 'pilotnet').length;
    expect(cars).toBe(Math.min(clients, Math.ceil(clients * 0.8)));
    expect(totalsOf(cameras)).toEqual({ sent: 0, inTime: 0, late: 0, refused: 0, failed: 0 });
  });
});
