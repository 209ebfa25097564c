import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readNamedFile } from '../src/readable-file.ts';

function inDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-file-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, name);
}

it('a regular file is read whole', () => {
  const file = inDirectory('file');
  writeFileSync(file, 'x'.repeat(100_000));
  expect(readNamedFile(file)).toHaveLength(100_000);
});

it('a named pipe holds up nothing: it is refused', () => {
  const pipe = inDirectory('pipe');
  execFileSync('mkfifo', [pipe]);
  expect(() => readNamedFile(pipe)).toThrow(`${pipe} is no regular file`);
});

it('a device without end is refused, a directory is called one', () => {
  expect(() => readNamedFile('/dev/zero')).toThrow('/dev/zero is no regular file');
  expect(() => readNamedFile(tmpdir())).toThrow('EISDIR');
});

it('what a shell passes by a pipe of its own is read', () => {
  const source = resolve(import.meta.dirname, '../src/readable-file.ts');
  const program = `import('${source}').then((it) => process.stdout.write(it.readNamedFile(process.argv[1])))`;
  const line = `${process.execPath} --no-warnings -e "${program}" <(sleep 0.1; echo hello)`;
  expect(execFileSync('bash', ['-c', line]).toString()).toBe('hello\n');
});
