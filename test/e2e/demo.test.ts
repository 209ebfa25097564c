// The demo as a user starts it: a process of its own, real sockets, ports that the system chooses.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { resolve } from 'node:path';
import { request } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PATIENCE } from '../support/patience.ts';
import { QEDGE } from '../support/qedge-command.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FREE_PORTS = ['--proxy-port', '0', '--admin-port', '0'];

interface Run {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit status, once it has ended. */
  readonly ended: Promise<number | null>;
}

const running: Run[] = [];

function demo(...args: string[]): Run {
  const [program, ...first] = QEDGE;
  const child = spawn(program, [...first, 'demo', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    texts.stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    texts.stderr += chunk;
  });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  const run = { child, stdout: () => texts.stdout, stderr: () => texts.stderr, ended };
  running.push(run);
  return run;
}

/** Where the demo said its dashboard is. */
async function dashboardUrl(run: Run): Promise<string> {
  const url = (): string | undefined => /dashboard\s+(http:\S+)/.exec(run.stdout())?.[1];
  await expect.poll(url, PATIENCE).toBeDefined();
  return url() ?? '';
}

/** Resolves once the proxy has heard of all seven instances. */
async function placed(run: Run): Promise<void> {
  const url = new URL('/api/v1/state', await dashboardUrl(run));
  const known = async (): Promise<number> => {
    const { services } = (await (await request(url)).body.json()) as { services: { instances: unknown[] }[] };
    return services.reduce((sum, { instances }) => sum + instances.length, 0);
  };
  await expect.poll(known, PATIENCE).toBe(7);
}

/** What the demo said to try by hand. */
async function curlLine(run: Run): Promise<{ service: string; frameFile: string; url: string }> {
  const pattern = /curl -i -H 'X-QEdge-Service: (\S+)' (\S+) \\\n +--data-binary @(\S+)/;
  const [, service = '', url = '', frameFile = ''] = await vi.waitFor(() => {
    const match = pattern.exec(run.stdout());
    expect(match, run.stderr()).not.toBeNull();
    return match ?? [];
  }, PATIENCE);
  return { service, frameFile, url };
}

afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

describe('qedge demo', () => {
  it('sends frames that are really answered, and sums up what came of each', async () => {
    const run = demo(...FREE_PORTS, '--clients', '5', '--no-story');
    const answered = async (): Promise<number> => {
      const text = await (await request(new URL('/metrics', await dashboardUrl(run)))).body.text();
      return [...text.matchAll(/^qedge_requests_total\{.*code="200"\} (\d+)$/gm)].reduce(
        (n, [, count]) => n + Number(count),
        0,
      );
    };
    await expect.poll(answered, PATIENCE).toBeGreaterThan(50);
    await placed(run);
    run.child.kill('SIGINT');
    expect(await run.ended, run.stderr()).toBe(0);
    const summary =
      /([\d,]+) frames in \d+ s: [\d.]+ % answered in time \([\d,]+ late, (?:[\d,]+ refused, )?([\d,]+) without an answer\)/.exec(
        run.stdout(),
      );
    expect(summary, run.stdout()).not.toBeNull();
    const [frames, unanswered] = [summary?.[1]?.replaceAll(',', ''), summary?.[2]?.replaceAll(',', '')].map(Number);
    expect((frames ?? 0) - (unanswered ?? 0)).toBeGreaterThan(50);
    for (const node of ['orin-nano-1', 'orin-nano-2', 'agx-orin-1', 'agx-orin-2', 'a100-east', 'a100-west']) {
      expect(run.stdout()).toMatch(new RegExp(`^  ${node} `, 'm'));
    }
    expect(run.stdout()).not.toContain('\x1b');
    expect(run.stderr()).toBe('');
  });

  it('ends by itself when its time is up', async () => {
    const run = demo(...FREE_PORTS, '--clients', '1', '--duration', '1s');
    expect(await run.ended, run.stderr()).toBe(0);
    expect(run.stdout()).toMatch(/^[\d,]+ frames in \d+ s: /m);
  });

  it('prints a request that works, and Ctrl-C stops it without a trace', async () => {
    const run = demo(...FREE_PORTS, '--no-load');
    const { service, frameFile, url } = await curlLine(run);
    await placed(run);
    const answer = await request(url, {
      method: 'POST',
      headers: { 'x-qedge-service': service },
      body: readFileSync(frameFile),
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['x-qedge-instance']).toMatch(/^[\w-]+\/pilotnet$/);
    expect(await answer.body.json()).toEqual({ steering_angle: expect.any(Number) });

    const health = await request(new URL('/healthz', await dashboardUrl(run)));
    await health.body.dump();
    expect(health.statusCode).toBe(200);

    run.child.kill('SIGINT');
    expect(await run.ended, run.stderr()).toBe(0);
    expect(run.stdout()).toContain('without a load');
    expect(existsSync(frameFile)).toBe(false);
  });

  describe('and a port that is taken', () => {
    const taken: Server[] = [];

    afterEach(() => {
      for (const server of taken.splice(0)) server.close();
    });

    it.each(['--proxy-port', '--admin-port', '--mqtt-port'])('names it and exits 1: %s', async (flag) => {
      const server = createServer();
      taken.push(server);
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      const { port } = server.address() as { port: number };
      const free = FREE_PORTS.map((word, i) => (FREE_PORTS[i - 1] === flag ? String(port) : word));
      const run = demo(...free, ...(free.includes(flag) ? [] : [flag, String(port)]));
      expect(await run.ended).toBe(1);
      expect(run.stderr()).toMatch(
        new RegExp(`^qedge: [^\\n]*127\\.0\\.0\\.1:${port}: the port is taken \\(choose [^\\n]*\\n$`),
      );
      expect(run.stdout()).toBe('');
    });
  });

  it.each([
    ['--duration', 'soon', 'expected a duration such as 30s, got soon'],
    ['--clients', '0', 'expected a number from 1 to 200, got 0'],
    ['--proxy-port', '70000', 'expected a port from 0 to 65535, got 70000'],
    ['--policy', 'best', 'unknown policy "best"'],
  ])('says what is wrong with %s %s and exits 64', async (flag, value, message) => {
    const run = demo(flag, value);
    expect(await run.ended).toBe(64);
    expect(run.stderr()).toContain(message);
  });
});
