import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDecisionLog } from '../../../src/cli/decision-log-file.ts';
import { runCli } from '../../../src/cli/program.ts';
import { PATIENCE } from '../../support/patience.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qedge-decisions-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HEADER = {
  kind: 'header',
  version: 1,
  service: 'pilotnet',
  nodeId: 'pi-7',
  policy: 'qedge',
  qos: { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 },
};
const ATTEMPT = { kind: 'attempt', atMs: 1, key: 'a/a', weight: 0.5, latencyMs: 20, result: 'answered' };

function file(...lines: readonly unknown[]): string {
  const path = join(folder, 'day.jsonl');
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
}

describe('a decision log', () => {
  it('comes back as it was written', () => {
    expect(readDecisionLog(file(HEADER, ATTEMPT, { kind: 'gone', atMs: 2, key: 'a/a' }))).toEqual({
      header: HEADER,
      lines: [ATTEMPT, { kind: 'gone', atMs: 2, key: 'a/a' }],
    });
  });

  it('may name an attempt by its earlier word', () => {
    expect(readDecisionLog(file(HEADER, { ...ATTEMPT, kind: 'try' })).lines).toEqual([ATTEMPT]);
  });

  it('is refused with the line of what is wrong', () => {
    expect(() => readDecisionLog(file(HEADER, ATTEMPT, '{"kind":"tr'))).toThrow(
      /day\.jsonl:3: not a line of a decision log/,
    );
    expect(() => readDecisionLog(file(HEADER, { ...ATTEMPT, weight: -1 }))).toThrow(/day\.jsonl:2: .*weight/);
    expect(() => readDecisionLog(file({ ...HEADER, version: 2, qos: {} }))).toThrow(
      /day\.jsonl:1: not a line of a decision log: version, qos\.latencyMs, .* missing or not understood$/,
    );
    expect(() => readDecisionLog(file('3'))).toThrow(/day\.jsonl:1: not a line of a decision log$/);
    expect(() => readDecisionLog(file(''))).toThrow(/day\.jsonl: is empty/);
    expect(() => readDecisionLog(join(folder, 'none'))).toThrow(/no such file: .*none/);
  });
});

describe('qedge decisions record', () => {
  const lines = [HEADER, ATTEMPT, { ...ATTEMPT, atMs: 2 }].map((line) => `${JSON.stringify(line)}\n`).join('');
  let server: Server;
  let url = '';
  let goAway: () => void = () => {};

  beforeEach(async () => {
    server = createServer((request, response) => {
      // Cut within a line: what is counted does not depend on how it comes.
      if (request.url?.includes('/silent/')) return;
      response.write(lines.slice(0, lines.length - 40));
      if (request.url?.includes('/hangs/')) return;
      if (request.url?.includes('/goes-away/')) goAway = () => response.destroy();
      else response.end(lines.slice(-40));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => {
    vi.restoreAllMocks();
    server.closeAllConnections();
    server.close();
  });

  async function record(...argv: string[]): Promise<{ status: number; err: string }> {
    const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const status = await runCli(['decisions', 'record', '--url', url, ...argv]);
    return { status, err: err.mock.calls.join('') };
  }

  it('writes what comes to the file, byte for byte, and says how many attempts it was', async () => {
    const out = join(folder, 'out.jsonl');
    const { status, err } = await record('pilotnet', '-o', out);
    expect({ status, text: readFileSync(out, 'utf8') }).toEqual({ status: 0, text: lines });
    expect(err).toContain(`recording pilotnet for 120 s to ${out}`);
    expect(err).toContain('recorded 2 attempts');
  });

  it('ends with what came when qedge hangs, before its answer or within it', async () => {
    const out = join(folder, 'out.jsonl');
    const silent = await record('silent', '--duration', '1s', '-o', out);
    expect(silent).toMatchObject({ status: 1 });
    expect(silent.err.replace(/\s+/g, ' ')).toContain(`no qedge answers at ${url}: no answer in time`);
    const hung = await record('hangs', '--duration', '10ms', '-o', out);
    expect(hung.status).toBe(1);
    expect(hung.err.replace(/\s+/g, ' ')).toContain('qedge went away; the attempts until then, 1,');
  });

  it('says where it could not write', async () => {
    const { status, err } = await record('pilotnet', '-o', join(folder, 'none', 'out.jsonl'));
    expect(status).toBe(1);
    const out = join(folder, 'none', 'out.jsonl');
    expect(err).toContain(`qedge: cannot write to ${out}: no such directory: ${join(folder, 'none')}\n`);
  });

  it('keeps the whole lines that came of a qedge that went away, and fails', async () => {
    const out = join(folder, 'out.jsonl');
    const recording = record('goes-away', '-o', out);
    const begun = lines.slice(0, lines.lastIndexOf('{'));
    await expect.poll(() => existsSync(out) && readFileSync(out, 'utf8'), PATIENCE).toBe(begun);
    goAway();
    const { status, err } = await recording;
    expect({ status, text: readFileSync(out, 'utf8') }).toEqual({ status: 1, text: begun });
    expect(readDecisionLog(out).lines).toEqual([ATTEMPT]);
    expect(err).toContain(`qedge went away; the attempts until then, 1, are in ${out}`);
  });

  it('is wrong usage for a time that is none', async () => {
    const { status, err } = await record('pilotnet', '--duration', '3 fortnights');
    expect(status).toBe(64);
    expect(err).toContain('expected a duration such as 30s, got 3 fortnights');
  });

  it('goes by its earlier name as well', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const out = join(folder, 'out.jsonl');
    expect(await runCli(['trace', 'record', '--url', url, 'pilotnet', '-o', out])).toBe(0);
    expect(readDecisionLog(out).lines).toHaveLength(2);
  });
});
