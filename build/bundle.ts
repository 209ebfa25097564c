// TypeScript and packages → one CommonJS file: what a single executable runs.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packagesOf } from './packages.ts';
import { ASSETS, CACHE, ROOT } from './paths.ts';

export interface Bundle {
  readonly path: string;
  readonly version: string;
  readonly commit: string;
  /** Names of the npm packages that are really in it, sorted. */
  readonly packages: readonly string[];
}

export async function bundleProgram(): Promise<Bundle> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const commit = currentCommit();
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, 'qedge.cjs');
  const define = { QEDGE_VERSION: JSON.stringify(version), QEDGE_COMMIT: JSON.stringify(commit) };
  const { text, inputs } = await bundle('src/main.ts', define);
  writeFileSync(path, asFunction(text));
  // A thread cannot run the executable's own main script, so what it runs is an asset beside it.
  const worker = await bundle('src/app/worker.ts', define);
  mkdirSync(ASSETS, { recursive: true });
  writeFileSync(join(ASSETS, 'worker.js'), worker.text);
  return { path, version, commit, packages: packagesOf(inputs) };
}

async function bundle(
  source: string,
  define: Readonly<Record<string, string>>,
): Promise<{ readonly text: string; readonly inputs: readonly string[] }> {
  const { metafile, outputFiles } = await build({
    write: false,
    entryPoints: [join(ROOT, source)],
    outfile: join(CACHE, 'bundle.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minify: true,
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
    // ws tries these two and does without.
    external: ['bufferutil', 'utf-8-validate'],
    // build/start reads it as such.
    charset: 'ascii',
    define: { ...define, 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
  });
  return { text: outputFiles[0]?.text ?? '', inputs: Object.keys(metafile.inputs) };
}

/** One expression that build/start runs as a CommonJS module. */
const asFunction = (text: string): string =>
  `(function (exports, require, module, __filename, __dirname) {${text.replace(/^#!.*/, '')}\n})`;

/** Short hash, with `-changed` when the sources differ from it; `unknown` outside a checkout. */
function currentCommit(): string {
  const git = (args: readonly string[]) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  const head = git(['rev-parse', '--short=12', 'HEAD']);
  if (head.status !== 0) return 'unknown';
  const changed = git(['status', '--porcelain', '--', 'src', 'build', 'package-lock.json']).stdout !== '';
  return `${head.stdout.trim()}${changed ? '-changed' : ''}`;
}
