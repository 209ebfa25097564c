// The Node that goes into an executable: the package of the lock file, on any machine that it is built on.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { CACHE, ROOT } from './paths.ts';
import type { Target } from './target.ts';

/** Path of the target's own `node`, installed from the lock file where npm left it out as foreign. */
export function nodeBinary(target: Target): string {
  const name = `node-linux-${target.arch}`;
  const own = join(ROOT, 'node_modules', name, 'bin/node');
  return existsSync(own) ? own : join(installForeign(name, target), 'node_modules', name, 'bin/node');
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
}

/** `npm ci` of the one package, with the version and the integrity of the project's lock file. */
function installForeign(name: string, target: Target): string {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;
  const path = `node_modules/${name}`;
  const entry = lock.packages[path];
  if (entry === undefined) throw new Error(`package-lock.json: ${path} is missing`);
  const directory = join(CACHE, `${name}-${entry.version}`);
  if (existsSync(join(directory, path, 'bin/node'))) return directory;

  const manifest = { name: 'foreign-node', private: true, optionalDependencies: { [name]: entry.version } };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(directory, 'package-lock.json'),
    JSON.stringify({ name: manifest.name, lockfileVersion: 3, packages: { '': manifest, [path]: entry } }),
  );
  copyFileSync(join(ROOT, '.npmrc'), join(directory, '.npmrc'));
  run('npm', ['ci', '--ignore-scripts', '--os=linux', `--cpu=${target.arch}`, '--libc=glibc'], { cwd: directory });
  return directory;
}
