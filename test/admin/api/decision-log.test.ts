import { once } from 'node:events';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { DecisionLogHeader, DecisionLogLine } from '../../../src/core/decision-log.ts';
import { createWorld, instance, populate, type World } from '../../core/support.ts';
import { alone, startAdmin } from '../../support/admin.ts';
import { PATIENCE } from '../../support/patience.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function start(world: World): Promise<string> {
  const services = new Map([['pilotnet', alone(world.router)]]);
  const running = await startAdmin([], { services: () => services, clock: { nowMs: () => world.nowMs } });
  return `${running.url}/api/v1/services/pilotnet/decisions`;
}

interface Recording {
  /** The lines so far, once they are as wanted; nothing is recorded after that. */
  until(
    wanted: (lines: readonly (DecisionLogHeader | DecisionLogLine)[]) => boolean,
  ): Promise<(DecisionLogHeader | DecisionLogLine)[]>;
  stop(): void;
}

/** Begins a recording that ends only when it is asked to. */
async function record(url: string): Promise<Recording> {
  const asker = new AbortController();
  const answer = await fetch(`${url}?durationMs=3600000`, { signal: asker.signal });
  const stop = (): void => asker.abort();
  return {
    stop,
    async until(wanted) {
      const decoder = new TextDecoder();
      let text = '';
      for await (const chunk of answer.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        const whole = text.slice(0, text.lastIndexOf('\n')).split('\n').filter(Boolean);
        const lines = whole.map((line) => JSON.parse(line) as DecisionLogHeader | DecisionLogLine);
        if (wanted(lines)) return lines;
      }
      throw new Error(`the recording ended too early: ${text}`);
    },
  };
}

describe('a decision log', () => {
  it('names each instance, and every attempt with its share, its latency and its end', async () => {
    const world = createWorld('round-robin');
    populate(world, [1, 10]);
    const url = await start(world);
    const recording = await record(url);
    for (let i = 0; i < 4; i++) world.request(() => ({ latencyMs: 30, result: i === 3 ? 'refused' : 'answered' }));
    world.router.applyPlacement({ kind: 'instance-set', instance: instance('late') }, world.nowMs);
    for (let i = 0; i < 3; i++) world.request(() => ({ latencyMs: 30 }));
    const [header, ...rest] = await recording.until(
      (lines) => lines.filter(({ kind }) => kind === 'attempt').length === 7,
    );
    expect(header).toMatchObject({ kind: 'header', version: 1, service: 'pilotnet', policy: 'round-robin' });
    const placed = rest.filter((line) => line.kind === 'instance');
    expect(placed.map((line) => [line.instance.nodeId, line.rttMs])).toEqual([
      ['node-0', 1],
      ['node-1', 10],
      ['late', null],
    ]);
    const attempts = rest.filter((line) => line.kind === 'attempt');
    expect(attempts).toHaveLength(7);
    expect(attempts[0]).toMatchObject({ weight: 0.5, latencyMs: 30, result: 'answered' });
    expect(attempts[3]).toMatchObject({ result: 'refused' });
    expect(attempts[6]?.weight).toBeCloseTo(1 / 3, 5);
  });

  it('is not recorded for HEAD, under neither of its names', async () => {
    const world = createWorld('qedge');
    populate(world, [1]);
    const url = await start(world);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(url.replace(/decisions$/, 'trace'), { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${url}?durationMs=1`)).status).toBe(200);
  });

  it('ends when its reader is too far behind', async () => {
    const world = createWorld('round-robin');
    populate(world, [1]);
    const url = await start(world);
    const { hostname, port, pathname } = new URL(url);
    const reader = connect(Number(port), hostname, () =>
      reader.write(`GET ${pathname} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    );
    await new Promise((resolve) => reader.once('data', resolve));
    reader.pause();
    const isFree = async (): Promise<boolean> => {
      for (let i = 0; i < 2_000; i++) world.request(() => ({ latencyMs: 30 }));
      const answer = await fetch(`${url}?durationMs=1`);
      return answer.status === 200;
    };
    await expect.poll(isFree, PATIENCE).toBe(true);
    reader.destroy();
  });

  it('costs about what it holds while its reader does not read, and comes whole once it does', async () => {
    const world = createWorld('round-robin');
    populate(world, [1]);
    const url = await start(world);
    const { hostname, port, pathname } = new URL(url);
    const ask = `GET ${pathname}?durationMs=1500 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    const reader = connect(Number(port), hostname, () => reader.write(ask));
    let text = String(await new Promise((resolve) => reader.once('data', resolve)));
    reader.pause();
    const bytes = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const requests = (count: number): void => {
      for (let i = 0; i < count; i++) world.request(() => ({ latencyMs: 30 }));
    };
    requests(2_000);
    const before = bytes();
    requests(30_000);
    expect(bytes() - before).toBeLessThan(10 * 1024 * 1024);
    reader.on('data', (piece) => (text += piece));
    reader.resume();
    await once(reader, 'close');
    expect(text.match(/"kind":"attempt"/g)).toHaveLength(32_000);
  });

  it('is recorded once at a time, and not for ever', async () => {
    const world = createWorld('qedge');
    populate(world, [1]);
    const url = await start(world);
    const first = await record(url);
    expect((await fetch(`${url}?durationMs=1`)).status).toBe(409);
    first.stop();
    await expect.poll(async () => (await fetch(`${url}?durationMs=1`)).status, PATIENCE).toBe(200);
    expect((await fetch(`${url}?durationMs=999999999`)).status).toBe(400);
  });

  it('ends with its reader', async () => {
    const world = createWorld('qedge');
    populate(world, [1]);
    const url = await start(world);
    (await record(url)).stop();
    const again = async (): Promise<number> => {
      const answer = await fetch(`${url}?durationMs=1`);
      await answer.text();
      return answer.status;
    };
    await expect.poll(again, PATIENCE).toBe(200);
  });
});
