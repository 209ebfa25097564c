// Node, the bundle, its code cache and its assets → one file that runs by itself.

import { copyFileSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { run } from './command.ts';
import { ignoreEnvironment } from './environment.ts';
import { ASSETS, CACHE, DIST, ROOT } from './paths.ts';
import type { Target } from './target.ts';

export interface ExecutableParts {
  readonly node: string;
  readonly bundle: string;
  /** Name → path of the other scripts. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Asset name → path. */
  readonly addons: Readonly<Record<string, string>>;
}

/** Node looks for its blob behind this mark. */
const SENTINEL_FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** Builds the executable beside the place where it belongs; the caller moves it there once the gates are passed. */
export function assembleExecutable(target: Target, parts: ExecutableParts): string {
  const work = join(CACHE, target.arch);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  mkdirSync(DIST, { recursive: true });
  const node = join(work, 'node');
  copyFileSync(parts.node, node);
  ignoreEnvironment(node);
  const scripts = { qedge: parts.bundle, ...parts.scripts };
  const blob = writeBlob(target, { ...parts.addons, ...compiled(target, scripts, work, node) }, work, node);
  // Stripped before the blob goes in: strip would take it for waste.
  const executable = join(work, 'qedge');
  run(`${target.toolPrefix}strip`, ['-o', executable, node]);
  const postject = join(ROOT, 'node_modules/.bin/postject');
  run(postject, [executable, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', SENTINEL_FUSE]);
  return executable;
}

const START = join(import.meta.dirname, 'start');
const LOADER = join(START, 'load.cjs');

/**
 * Each script and its code cache, as assets. A cache is the target's own: one made by another architecture's Node is
 * rejected there.
 */
function compiled(
  target: Target,
  scripts: Readonly<Record<string, string>>,
  work: string,
  node: string,
): Readonly<Record<string, string>> {
  const folder = join(work, 'scripts');
  mkdirSync(folder);
  for (const [name, path] of Object.entries(scripts)) copyFileSync(path, join(folder, `${name}.cjs`));
  runNode(target, node, [join(START, 'make-cache.cjs'), folder, join(START, 'start.toml')]);
  return Object.fromEntries(filesUnder(folder).map((path) => [basename(path), path]));
}

function writeBlob(target: Target, assets: Readonly<Record<string, string>>, work: string, node: string): string {
  const config = join(work, 'sea-config.json');
  const output = join(work, 'qedge.blob');
  writeFileSync(
    config,
    JSON.stringify({
      main: LOADER,
      output,
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      useCodeCache: false,
      // A young generation of 2 MiB instead of 16: a fifth less anonymous memory under load, CPU within the noise.
      execArgv: ['--no-warnings', '--disable-sigusr1', '--max-semi-space-size=2'],
      // NODE_OPTIONS of the environment cannot reach in.
      execArgvExtension: 'none',
      // A thread cannot run the main script, so it is an asset as well.
      assets: { ...staticAssets(), ...assets, 'load.cjs': LOADER },
    }),
  );
  runNode(target, node, ['--experimental-sea-config', config]);
  return output;
}

function runNode(target: Target, node: string, nodeArgs: readonly string[]): void {
  const [command = node, ...args] = [...target.emulator, node, ...nodeArgs];
  run(command, args);
}

/** What the build made, and the files of the repository that the program hands out (src/sea.ts). */
function staticAssets(): Readonly<Record<string, string>> {
  const made = filesUnder(ASSETS).map((path) => [relative(ASSETS, path), path]);
  const kept = ['systemd', 'config'].flatMap((directory) => filesUnder(join(ROOT, directory)));
  return Object.fromEntries([...made, ...kept.map((path) => [relative(ROOT, path), path])]);
}

function filesUnder(directory: string): readonly string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** Puts a finished executable in place in one step: a reader sees the old one or the new one. */
export function publish(executable: string, name: string): string {
  const path = join(DIST, name);
  cpSync(executable, `${path}.part`);
  renameSync(`${path}.part`, path);
  return path;
}
