// The dashboard's files, where both the executable's assets and a run from source find them: dist/assets/dashboard.

import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';
import { build } from 'esbuild';
import { ASSETS, ROOT } from './paths.ts';

const SOURCES = join(ROOT, 'src/admin/dashboard');
const BUNDLED = new Set(['.ts', '.tsx', '.css']);

/** Bundles `main.ts` and `main.css`, and copies what needs no bundling (HTML, icons). */
export async function buildDashboard(): Promise<void> {
  const output = join(ASSETS, 'dashboard');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  if (!existsSync(SOURCES)) return;
  const names = readdirSync(SOURCES);
  const entries = names.filter((name) => /^main\.(ts|tsx|css)$/.test(name));
  await build({
    entryPoints: entries.map((name) => join(SOURCES, name)),
    outdir: output,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    minify: true,
    logLevel: 'warning',
  });
  const copied = names.filter((name) => extname(name) !== '' && !BUNDLED.has(extname(name)));
  for (const name of copied) cpSync(join(SOURCES, name), join(output, name));
}

if (import.meta.main) await buildDashboard();
