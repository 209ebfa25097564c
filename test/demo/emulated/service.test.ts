import { Agent, request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { EmulatedService, type EmulatedServiceOptions } from '../../../src/demo/emulated/service.ts';
import { RequestError } from '../../../src/demo/scenes/inference.ts';

const running: EmulatedService[] = [];
const agent = new Agent({ connections: 8, pipelining: 1 });

async function start(options: Partial<EmulatedServiceOptions> = {}): Promise<EmulatedService> {
  const service = await EmulatedService.start({
    work: { meanMs: 5, variation: 0 },
    link: { oneWayMs: 0, jitterMs: 0 },
    rng: createRng(1),
    answer: (body) => ({ bytes: body.length }),
    ...options,
  });
  running.push(service);
  return service;
}

async function post(service: EmulatedService, body: Buffer): Promise<{ status: number; json: unknown; ms: number }> {
  const startMs = performance.now();
  const url = `http://127.0.0.1:${service.port}/`;
  const answer = await request(url, { method: 'POST', body, dispatcher: agent });
  const json = await answer.body.json();
  return { status: answer.statusCode, json, ms: performance.now() - startMs };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()));
});

describe('an emulated service', () => {
  it('reads the whole body and answers from it', async () => {
    const service = await start();
    const answer = await post(service, Buffer.alloc(300_000, 7));
    expect(answer).toMatchObject({ status: 200, json: { bytes: 300_000 } });
    expect(service.served).toBe(1);
  });

  it('works on one request at a time', async () => {
    const service = await start({ work: { meanMs: 20, variation: 0 } });
    const answers = await Promise.all([1, 2, 3, 4].map(() => post(service, Buffer.from('frame'))));
    // Four in a row take four times the work; only the lower bound is certain on a busy machine.
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeGreaterThanOrEqual(4 * 20 - 4);
  });

  it('is no slower for a machine that is busy elsewhere', async () => {
    const service = await start({ work: { meanMs: 100, variation: 0 } });
    const answers = Promise.all([1, 2].map(() => post(service, Buffer.from('frame'))));
    while (service.load < 2) await new Promise((resolve) => setImmediate(resolve));
    const freeMs = performance.now() + 200;
    while (performance.now() < freeMs);
    await new Promise((resolve) => setTimeout(resolve, 95));
    expect(service.served).toBe(2);
    await answers;
  });

  it('stands as far away as its link is long, each way', async () => {
    const service = await start({ link: { oneWayMs: 25, jitterMs: 0 }, work: { meanMs: 1, variation: 0 } });
    expect((await post(service, Buffer.from('frame'))).ms).toBeGreaterThanOrEqual(49);
    service.link.oneWayMs = 50;
    expect((await post(service, Buffer.from('frame'))).ms).toBeGreaterThanOrEqual(99);
  });

  it('answers a body that it cannot take with 400', async () => {
    const service = await start({
      answer: () => {
        throw new RequestError('not a JPEG');
      },
    });
    expect(await post(service, Buffer.from('x'))).toMatchObject({ status: 400, json: { error: 'not a JPEG' } });
  });

  it('resets what is in flight and refuses what comes after when it crashes', async () => {
    const service = await start({ work: { meanMs: 10_000, variation: 0 } });
    const inFlight = expect(post(service, Buffer.from('frame'))).rejects.toThrow();
    while (service.load === 0) await new Promise((resolve) => setImmediate(resolve));
    await service.crash();
    await inFlight;
    await expect(post(service, Buffer.from('frame'))).rejects.toThrow(/ECONNREFUSED/);
  });

  it('names the port when it is taken', async () => {
    const service = await start();
    await expect(start({ port: service.port })).rejects.toThrow(`127.0.0.1:${service.port}: the port is taken`);
  });
});
