import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTrace } from '../../src/cli/trace-file.ts';

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
    expect(() => readTrace(join(folder, 'none'))).toThrow(/cannot read .*none: ENOENT/);
  });
});
