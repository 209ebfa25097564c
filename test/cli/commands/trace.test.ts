import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../../src/cli/program.ts';
import { readTrace } from '../../../src/cli/trace-file.ts';
import { PATIENCE } from '../../support/patience.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qedge-trace-'));
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
const TRY = { kind: 'try', atMs: 1, key: 'a/a', weight: 0.5, latencyMs: 20, result: 'answered' };

function file(...lines: readonly unknown[]): string {
  const path = join(folder, 'trace.jsonl');
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
}

describe('a trace file', () => {
  it('comes back as it was written', () => {
    expect(readTrace(file(HEADER, TRY, { kind: 'gone', atMs: 2, key: 'a/a' }))).toEqual({
      header: HEADER,
      lines: [TRY, { kind: 'gone', atMs: 2, key: 'a/a' }],
    });
  });

  it('is refused with the line of what is wrong', () => {
    expect(() => readTrace(file(HEADER, TRY, '{"kind":"tr'))).toThrow(/trace\.jsonl:3: not a line of a trace/);
    expect(() => readTrace(file(HEADER, { ...TRY, weight: -1 }))).toThrow(/trace\.jsonl:2: .*weight/);
    expect(() => readTrace(file({ ...HEADER, version: 2 }))).toThrow(/trace\.jsonl:1: .*version/);
    expect(() => readTrace(join(folder, 'none'))).toThrow(/no such file: .*none/);
  });
});

describe('qedge trace record', () => {
  const lines = [HEADER, TRY, { ...TRY, atMs: 2 }].map((line) => `${JSON.stringify(line)}\n`).join('');
  let server: Server;
  let url = '';
  let goAway: () => void = () => {};

  beforeEach(async () => {
    server = createServer((request, response) => {
      // Cut within a line: what is counted does not depend on how it comes.
      response.write(lines.slice(0, lines.length - 40));
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
    const status = await runCli(['trace', 'record', '--url', url, ...argv]);
    return { status, err: err.mock.calls.join('') };
  }

  it('writes what comes to the file, byte for byte, and says how many tries it was', async () => {
    const out = join(folder, 'out.jsonl');
    const { status, err } = await record('pilotnet', '-o', out);
    expect({ status, text: readFileSync(out, 'utf8') }).toEqual({ status: 0, text: lines });
    expect(err).toContain(`recording pilotnet for 120 s to ${out}`);
    expect(err).toContain('recorded 2 tries');
  });

  it('says where it could not write', async () => {
    const { status, err } = await record('pilotnet', '-o', join(folder, 'none', 'out.jsonl'));
    expect(status).toBe(1);
    expect(err).toContain('cannot write to ');
  });

  it('keeps the whole lines that came of a qedge that went away, and fails', async () => {
    const out = join(folder, 'out.jsonl');
    const recording = record('goes-away', '-o', out);
    const begun = lines.slice(0, lines.lastIndexOf('{'));
    await expect.poll(() => existsSync(out) && readFileSync(out, 'utf8'), PATIENCE).toBe(begun);
    goAway();
    const { status, err } = await recording;
    expect({ status, text: readFileSync(out, 'utf8') }).toEqual({ status: 1, text: begun });
    expect(readTrace(out).lines).toEqual([TRY]);
    expect(err).toContain(`qedge went away; the tries until then, 1, are in ${out}`);
  });

  it('is wrong usage for a time that is none', async () => {
    const { status, err } = await record('pilotnet', '--duration', '3 fortnights');
    expect(status).toBe(64);
    expect(err).toContain('expected a duration such as 30s, got 3 fortnights');
  });
});
