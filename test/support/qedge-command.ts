// The program as tests run it: what is shipped where it is built from these sources, since it starts in a quarter of the
// time; else the sources.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const BINARY = join(ROOT, 'dist/qedge-linux-x64');

/** Program and first arguments. */
export const QEDGE: readonly [string, ...string[]] = isBuilt()
  ? [BINARY]
  : [process.execPath, join(ROOT, 'src/main.ts')];

function isBuilt(): boolean {
  return (
    existsSync(BINARY) && ['src', 'build'].every((folder) => newestMs(join(ROOT, folder)) < statSync(BINARY).mtimeMs)
  );
}

function newestMs(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs));
}
