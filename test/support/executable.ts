// The single executable that the end-to-end tests run: the newest of these sources, built once for all test files.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const LOCK_DIRECTORY = join(ROOT, '.cache/build');

/** Path of `dist/qedge-linux-<arch>`; built first where it is absent or older than any source. */
export function builtExecutable(arch: 'x64' | 'arm64'): string {
  const path = join(ROOT, `dist/qedge-linux-${arch}`);
  if (isCurrent(path)) return path;
  mkdirSync(LOCK_DIRECTORY, { recursive: true });
  // Test files run in parallel: the second one waits for what the first one builds.
  const build = ['node_modules/.bin/node', 'build/build.ts', '--arch', arch, '--no-xz'];
  const result = spawnSync('flock', [join(LOCK_DIRECTORY, 'test.lock'), ...build], { cwd: ROOT, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`build failed: ${result.stdout}${result.stderr}`);
  return path;
}

function isCurrent(path: string): boolean {
  const built = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ['src', 'build'].flatMap((directory) =>
    readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(ROOT, directory, name),
    ),
  );
  return [...sources, join(ROOT, 'package-lock.json')].every((source) => statSync(source).mtimeMs <= built);
}
