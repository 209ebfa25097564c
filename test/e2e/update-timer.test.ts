// The example of a nightly update: its units, and the script in them against a directory of releases on a web server.
// requires: curl, systemd-analyze

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { arch, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { listening } from '../support/listening.ts';

vi.setConfig({ testTimeout: 240_000 });

const UNITS = ['qedge-update.service', 'qedge-update.timer'].map((name) => resolve('systemd', name));
const FILE = `qedge-linux-${arch()}`;
const signature = (version: string): string => `qedge release 1\nversion ${version}\n`;

interface Served {
  /** What there is, by name. */
  readonly files: Map<string, string>;
  /** What was asked for, and how it was answered. */
  readonly log: string[];
  /** Sends only half of the file once. */
  cut: string | null;
}

async function startReleases() {
  const served: Served = { files: new Map(), log: [], cut: null };
  const server = createServer((request, response) => {
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    const content = served.files.get(name);
    if (content === undefined) return void response.writeHead(404).end();
    const etag = `"${Buffer.from(content).toString('hex')}"`;
    const status = request.headers['if-none-match'] === etag ? 304 : 200;
    served.log.push(`${status} ${name}`);
    response.writeHead(status, { etag, ...(status === 200 ? { 'content-length': content.length } : {}) });
    if (status === 304) return void response.end();
    if (served.cut !== name) return void response.end(content);
    served.cut = null;
    response.write(content.slice(0, content.length / 2), () => response.socket?.resetAndDestroy());
  });
  onTestFinished(() => void server.close());
  const port = await listening(server);
  return { ...served, served, url: `http://127.0.0.1:${port}/stable` };
}

/** The command line of the unit as systemd hands it to the shell. */
function scriptOf(unit: string): string {
  const text = readFileSync(unit, 'utf8');
  const quoted = /^ExecStart=\/bin\/sh -ec '([^']*)'$/m.exec(text.replaceAll('\\\n', ' '))?.[1];
  if (quoted === undefined) throw new Error('no ExecStart of the known form');
  return quoted.replaceAll(/\\(.)/g, '$1');
}

describe('the example of a nightly update', () => {
  let directory = '';
  const at = (name: string): string => join(directory, name);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-nightly-'));
    // Stands for the installed program: says that it is 0.1.0, and notes what it is given.
    const program = `#!/bin/sh\ncase "$1" in version) echo '{"version":"0.1.0","commit":"x"}' ;; *) echo "$*: $(cat "$2")" >> ${at('given')} ;; esac\n`;
    writeFileSync(at('qedge'), program);
    chmodSync(at('qedge'), 0o755);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const night = async (releases: string) => {
    const script = scriptOf(UNITS[0] ?? '').replaceAll('/usr/local/bin/qedge', at('qedge'));
    const env = { PATH: process.env.PATH, CACHE_DIRECTORY: directory, RELEASES: releases };
    const shell = spawn('/bin/sh', ['-ec', script.replace('--retry 5', '')], { env, stdio: 'pipe' });
    let said = '';
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said += chunk;
      });
    }
    const [status] = await once(shell, 'close');
    return { status, said };
  };
  const given = (): string => (existsSync(at('given')) ? readFileSync(at('given'), 'utf8') : '');

  it('has units that systemd-analyze verify has nothing to say about', () => {
    const result = spawnSync('systemd-analyze', ['verify', ...UNITS], { encoding: 'utf8' });
    expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('says that an address is missing', async () => {
    expect(await night('')).toEqual({ status: 1, said: 'set RELEASES first\n' });
  });

  it('gives the program a newer release, and fetches nothing twice', async () => {
    const { url, files, log } = await startReleases();
    files.set(`${FILE}.sig`, signature('0.1.0')).set(FILE, 'the same program');
    expect(await night(url)).toEqual({ status: 0, said: '' });
    expect(log).toEqual([`200 ${FILE}.sig`]);
    files.set(`${FILE}.sig`, signature('0.2.0')).set(FILE, 'a newer program');
    expect(await night(url)).toEqual({ status: 0, said: '' });
    expect(given()).toBe(`update ${FILE} --signature ${FILE}.sig: a newer program\n`);
    await night(url);
    expect(log.slice(1)).toEqual([`200 ${FILE}.sig`, `200 ${FILE}`, `304 ${FILE}.sig`, `304 ${FILE}`]);
    expect(given().trim().split('\n')).toHaveLength(2);
  });

  it('fetches a release again that was cut short', async () => {
    const { url, served } = await startReleases();
    served.files.set(`${FILE}.sig`, signature('0.2.0')).set(FILE, 'a newer program');
    served.cut = FILE;
    expect((await night(url)).status).not.toBe(0);
    expect(given()).toBe('');
    expect((await night(url)).status).toBe(0);
    expect(given()).toContain(': a newer program\n');
  });

  it('fails where there is no release', async () => {
    const { url } = await startReleases();
    const { status, said } = await night(url);
    expect(status).not.toBe(0);
    expect(said).toContain('404');
  });
});
