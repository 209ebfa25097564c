// The manual pages, as the programs that print them read them.
// requires: mandoc, man

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { manual } from '../../../build/package/packages.ts';
import { commandTree } from '../../../src/cli/program.ts';
import { referenceTables } from '../../../src/config/reference.ts';

describe('the manual', () => {
  let directory = '';
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-man-'));
    const pages = Object.entries(await manual('0.2.0', new Date(0)));
    for (const [name, text] of pages) writeFileSync(join(directory, name), text);
    return () => rmSync(directory, { recursive: true });
  });

  const printed = (page: string): string => {
    const env = { ...process.env, MANWIDTH: '80', MAN_KEEP_FORMATTING: '', LC_ALL: 'C.UTF-8' };
    const { stdout, stderr } = spawnSync('man', ['--warnings', '-l', join(directory, page)], { encoding: 'utf8', env });
    expect(stderr).toBe('');
    return stdout;
  };

  it.each(['qedge.1', 'qedge.toml.5'])('gives mandoc nothing to complain about in %s', (page) => {
    expect(spawnSync('mandoc', ['-T', 'lint', join(directory, page)], { encoding: 'utf8' }).stdout).toBe('');
  });

  it('writes values as they are typed', () => {
    expect(printed('qedge.1')).toMatch(/ road: cars/);
  });

  it('describes every command that the help shows', async () => {
    const text = printed('qedge.1');
    const program = await commandTree();
    const names = program
      .createHelp()
      .visibleCommands(program)
      .map((command) => command.name());
    expect(names.filter((name) => name !== 'help' && !text.includes(`qedge ${name}`))).toEqual([]);
    expect(text).not.toContain('__complete');
  });

  it('describes every key of the configuration', () => {
    const text = printed('qedge.toml.5');
    const words = referenceTables().flatMap(({ rows }) => rows.map(({ word }) => word));
    expect(words.filter((word) => !text.includes(` ${word} = `))).toEqual([]);
  });
});
