// `qedge check` as a process: what it prints, and its exit status.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QEDGE } from '../support/qedge-command.ts';

let directory = '';
let file = '';
const servers: Server[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-check-'));
  file = join(directory, 'qedge.toml');
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function check(lines: string): Promise<Ending> {
  writeFileSync(file, `[proxy]\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"\n${lines}`);
  return run(['check', '-c', file]);
}

async function run(args: readonly string[]): Promise<Ending> {
  const [program, ...first] = QEDGE;
  const child = spawn(program, [...first, ...args], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, stdout, stderr };
}

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const SERVICE = '[[service]]\nname = "a"\nqos.latency = "80ms"\ninstances = ["127.0.0.1:9000"]\n';

describe('qedge check', () => {
  it('finds a good file good and touches nothing', async () => {
    const { code, stdout, stderr } = await check(`[node]\nid = "pi-7"\n[store]\npath = "state/q.db"\n${SERVICE}`);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe('qedge.toml: good (node pi-7, 1 service)\n');
    expect(readdirSync(directory)).toEqual(['qedge.toml']);
  });

  it('exits 78 with every mistake on stderr', async () => {
    const { code, stdout, stderr } = await check(`${SERVICE}timeout = 5\n${SERVICE}`);
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'qedge.toml:9:1: service.timeout: expected a duration such as "80ms", got 5',
      'qedge.toml:11:1: service.name: a service named "a" is there already',
    ]);
  });

  it('exits 78 for a file that is not there', async () => {
    expect(await run(['check', '-c', join(directory, 'absent.toml')])).toMatchObject({
      code: 78,
      stderr: `absent.toml: no such file: ${join(directory, 'absent.toml')}\n`,
    });
  });

  it('reads qedge.toml of the working directory by default', async () => {
    const { stderr } = await run(['check']);
    expect(stderr).toContain('qedge.toml: no such file');
    expect(stderr).toContain('(-c names another file; qedge demo needs none)');
  });

  it('reports ports that others hold and a store that cannot be, at once', async () => {
    const port = await listening(createServer());
    writeFileSync(join(directory, 'occupied'), 'a file, not a directory');
    const lines = `${SERVICE}listen = "127.0.0.1:${port}"\n[store]\npath = "occupied/q.db"\n`;
    expect(await check(lines)).toMatchObject({
      code: 78,
      stderr: `qedge.toml: store.path: ${join(directory, 'occupied')} is no directory\nqedge.toml: service.listen: 127.0.0.1:${port}: the port is taken\n`,
    });
  });

  it('takes no offence at the ports of a running qedge', async () => {
    const port = await listening(createHttpServer((_, response) => response.writeHead(204).end()));
    const { code, stdout } = await check(`${SERVICE}listen = "127.0.0.1:${port}"\n`);
    expect(code).toBe(0);
    expect(stdout).toContain('a qedge is running on its ports');
  });

  it('refuses to take the database of another program for its store', async () => {
    mkdirSync(join(directory, 'state'));
    writeFileSync(join(directory, 'state/q.db'), 'recipes'.repeat(50));
    const { code, stderr } = await check(`${SERVICE}[store]\npath = "state/q.db"\n`);
    expect([code, stderr]).toEqual([
      78,
      `qedge.toml: store.path: ${join(directory, 'state/q.db')} is not a SQLite database\n`,
    ]);
  });
});
