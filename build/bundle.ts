// TypeScript and packages → CommonJS files: what a single executable runs, and what it runs only when asked for.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { packagesOf } from './packages.ts';
import { CACHE, ROOT } from './paths.ts';

export interface Bundle {
  readonly path: string;
  /** Name → path of what is loaded by its name: packages when first asked for (src/packages.ts), and what threads run (src/sea.ts). */
  readonly scripts: Readonly<Record<string, string>>;
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
  const inputs = await bundleScript(path, { entryPoints: [join(ROOT, 'src/main.ts')], define });
  const threads = THREADS.map(([name, source]) => bundleNamed(name, { entryPoints: [join(ROOT, source)], define }));
  const others = await Promise.all([...threads, ...LAZY_PACKAGES.map(bundlePackage)]);
  const packages = packagesOf([...inputs, ...others.flatMap((one) => one.inputs)]);
  const scripts = Object.fromEntries(others.map((one) => [one.name, one.path]));
  return { path, scripts, version, commit, packages };
}

/** Name (src/sea.ts) → what it runs. */
const THREADS: readonly (readonly [string, string])[] = [
  ['worker', 'src/app/workers/worker.ts'],
  ['store', 'src/store/thread.ts'],
  ['search', 'src/learning/controller/search/thread.ts'],
];

/** What src/packages.ts asks for. */
const LAZY_PACKAGES: readonly string[] = ['undici', 'mqtt', 'aedes', 'jpeg-js'];

function bundlePackage(name: string): Promise<NamedScript> {
  const contents = `module.exports = require(${JSON.stringify(name)});`;
  return bundleNamed(name, { stdin: { contents, resolveDir: ROOT } });
}

interface NamedScript {
  readonly name: string;
  readonly path: string;
  readonly inputs: readonly string[];
}

async function bundleNamed(name: string, options: BuildOptions): Promise<NamedScript> {
  const path = join(CACHE, `${name}.cjs`);
  return { name, path, inputs: await bundleScript(path, options) };
}

/** Writes a script without the packages that have one of their own. Returns the files that are in it. */
async function bundleScript(path: string, options: BuildOptions): Promise<readonly string[]> {
  const { text, inputs } = await bundle(options, 'stdin' in options ? [] : LAZY_PACKAGES);
  writeFileSync(path, asFunction(text));
  return inputs;
}

/** A bundle has a `require` of its own, through which esbuild sees what src/packages.ts asks for. */
const OWN_REQUIRE: Plugin = {
  name: 'own-require',
  setup: (build) =>
    build.onLoad({ filter: /\/src\/packages\.ts$/ }, ({ path }) => {
      const [before, after] = readFileSync(path, 'utf8').split('const require = createRequire(import.meta.url);');
      if (after === undefined) throw new Error('src/packages.ts is not as expected');
      return { contents: `${before}${after}`, loader: 'ts' };
    }),
};

interface Bundled {
  readonly text: string;
  readonly inputs: readonly string[];
}

async function bundle(options: BuildOptions, external: readonly string[] = []): Promise<Bundled> {
  const { metafile, outputFiles } = await build({
    ...options,
    write: false,
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
    external: ['bufferutil', 'utf-8-validate', ...external],
    plugins: [OWN_REQUIRE],
    // build/start reads it as such.
    charset: 'ascii',
    define: { ...options.define, 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
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
