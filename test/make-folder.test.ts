import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { makeFolder } from '../src/make-folder.ts';

describe('a folder', () => {
  let above: string;
  beforeEach(() => {
    above = mkdtempSync(join(tmpdir(), 'qedge-folder-'));
    onTestFinished(() => rmSync(above, { recursive: true }));
  });

  it('is made with those above it, and may be there already', () => {
    const path = join(above, 'a/b/c');
    makeFolder(path);
    expect(existsSync(path)).toBe(true);
    makeFolder(path);
    makeFolder(`${path}/`);
    makeFolder('/');
  });

  it('is there where a link leads to one', () => {
    symlinkSync(above, join(above, 'link'));
    makeFolder(join(above, 'link'));
    makeFolder(join(above, 'link/d'));
    expect(existsSync(join(above, 'd'))).toBe(true);
  });

  it.each(['/proc/none', '/proc/none/a/b', '/proc/self/task/none'])(
    '%s cannot be made: that is said at once',
    (path) => {
      expect(() => makeFolder(path)).toThrow('ENOENT');
    },
  );

  it('is none where a file or a broken link is in its place', () => {
    writeFileSync(join(above, 'file'), '');
    symlinkSync(join(above, 'missing/x'), join(above, 'broken'));
    expect(() => makeFolder(join(above, 'file'))).toThrow('EEXIST');
    expect(() => makeFolder(join(above, 'file/a'))).toThrow('ENOTDIR');
    expect(() => makeFolder(join(above, 'broken'))).toThrow('EEXIST');
    expect(() => makeFolder(join(above, 'broken/a'))).toThrow(/EEXIST|ENOENT/);
  });
});
