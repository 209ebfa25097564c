// Bundles the dashboard into three files. The build puts them where the executable's assets are; from source the admin
// port asks for them when the page is opened.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { packagesOf } from './packages.ts';
import { ASSETS, ROOT } from './paths.ts';

const SOURCES = join(ROOT, 'src/admin/dashboard');
const TARGET = join(ASSETS, 'dashboard');

/** File name → contents: index.html, dashboard.js, dashboard.css. */
export async function bundleDashboard(): Promise<ReadonlyMap<string, Uint8Array>> {
  return (await bundle()).files;
}

async function bundle() {
  const result = await build({
    entryPoints: { dashboard: join(SOURCES, 'main.tsx'), index: join(SOURCES, 'index.html') },
    outdir: TARGET,
    write: false,
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    tsconfigRaw: '{}',
    loader: { '.html': 'copy' },
    metafile: true,
    legalComments: 'none',
    logLevel: 'silent',
  });
  return {
    files: new Map(result.outputFiles.map((file) => [basename(file.path), file.contents])),
    packages: packagesOf(Object.keys(result.metafile.inputs)),
  };
}

/** Writes the files to dist/assets/dashboard, in place of what was there; the names of the npm packages in them. */
export async function buildDashboard(): Promise<readonly string[]> {
  const { files, packages } = await bundle();
  rmSync(TARGET, { recursive: true, force: true });
  mkdirSync(TARGET, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(TARGET, name), bytes);
  return packages;
}

if (import.meta.main) await buildDashboard();
