// A reader of the log that pauses: a journal on a slow card, a container runtime, `| less`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startInstance } from '../support/http-instance.ts';
import { freePort } from '../support/listening.ts';
import { QEDGE } from '../support/qedge-command.ts';

/** A qedge with an access log that is not read, from its first line on. */
async function unreadQedge(workers: number) {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-log-'));
  const file = join(folder, 'qedge.toml');
  const { port: instance } = await startInstance();
  const port = await freePort();
  writeFileSync(
    file,
    `[node]\nid = "unread"\n[proxy]\nlisten = "127.0.0.1:${port}"\nworkers = ${workers}\n[admin]\nlisten = "127.0.0.1:0"\n` +
      `[log]\naccess = true\n[[service]]\nname = "s"\nqos.latency = "1s"\ninstances = ["http://127.0.0.1:${instance}"]\n`,
  );
  const [program, ...first] = QEDGE;
  const child = spawn(program, [...first, 'run', '-c', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const ask = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'X-QEdge-Service': 's' } }).then(({ status }) => status);
  return { child, ask, pid: child.pid ?? 0 };
}

it.each([1, 2])('a log that is not read stops neither requests nor the end, with %i event loops', async (workers) => {
  const { child, ask, pid } = await unreadQedge(workers);
  await vi.waitFor(() => ask('/'), { timeout: 60_000, interval: 100 });
  expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('qedge\n');
  // 2 MB of lines: more than the kernel and the process keep of them.
  const path = `/${'x'.repeat(400)}`;
  for (let i = 0; i < 200; i++) {
    const statuses = await Promise.all(Array.from({ length: 20 }, () => ask(path)));
    expect(new Set(statuses)).toEqual(new Set([200]));
  }
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
