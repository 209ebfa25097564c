// Every benchmark says how it is run.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PATIENCE } from './patience.ts';

const BENCH = join(import.meta.dirname, '../bench');
/** No programs of their own. */
const PARTS = ['placement-subject.ts', 'threads.ts'];

const run = (...words: string[]) => spawnSync(process.execPath, words, { cwd: BENCH, encoding: 'utf8' });

describe('a benchmark', () => {
  it('names its command in the head of its file, which --help prints', () => {
    for (const name of readdirSync(BENCH).filter((file) => file.endsWith('.ts') && !PARTS.includes(file))) {
      const [, head = '', first] = /^((?:\/\/.*\n)+)\n*(import .*)/.exec(readFileSync(join(BENCH, name), 'utf8')) ?? [];
      expect(head, name).toMatch(new RegExp(`test/bench/${name}|bench:${name.replace('.ts', '')}`));
      expect(first, name).toBe("import '../support/bench-help.ts';");
    }
  });

  it('prints no more than that, and does not begin', PATIENCE, () => {
    const { status, stdout, stderr } = run('proxy.ts', '--help');
    expect(stdout).toMatch(/^What the data path costs.*\n(?:.*\n)*.*workers, start\.\n$/);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('answers an option that it does not know with a line', PATIENCE, () => {
    const { status, stdout, stderr } = run('idle.ts', '--conections', '3');
    expect(stderr).toMatch(/^Unknown option '--conections'.*\n--help says how it is run\.\n$/);
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
  });
});
