// The dashboard's three files: embedded in the single executable; from source, bundled in memory the first time that
// the page is opened, so that what is served is what is in the editor.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Context, Hono } from 'hono';
import { asset, isSingleExecutable } from '../sea.ts';
import type { Caller } from './access/guard.ts';
import { problem } from './problem.ts';

const FILES: Readonly<Record<string, { readonly path: string; readonly type: string }>> = {
  '/': { path: 'index.html', type: 'text/html; charset=utf-8' },
  '/dashboard.js': { path: 'dashboard.js', type: 'text/javascript; charset=utf-8' },
  '/dashboard.css': { path: 'dashboard.css', type: 'text/css; charset=utf-8' },
};

/** Nothing from anywhere else, nothing inline: a string in a metric or an instance name can never become code. */
const DASHBOARD_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What `build/dashboard.ts` exports, which is not part of the program and so is not imported by name. */
interface DashboardBuilder {
  readonly bundleDashboard: () => Promise<ReadonlyMap<string, Uint8Array>>;
}

export function registerDashboard(app: Hono<Caller>): void {
  const load = once(isSingleExecutable ? embeddedFiles : bundledFiles);
  for (const [route, { path, type }] of Object.entries(FILES)) {
    app.get(route, async (c) => serve(c, (await load()).get(path), type));
  }
}

function serve(c: Context, bytes: Uint8Array | undefined, type: string): Response {
  if (bytes === undefined) return problem(c, 404, 'the dashboard is not built: npm ci, or npm run build');
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  const headers = { etag, 'cache-control': 'no-cache', 'content-security-policy': DASHBOARD_CSP };
  if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
  return c.body(new Uint8Array(bytes), 200, { ...headers, 'content-type': type });
}

async function embeddedFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { path } of Object.values(FILES)) {
    const bytes = asset(`dashboard/${path}`);
    if (bytes !== null) files.set(path, bytes);
  }
  return files;
}

/** Without the bundler (an installation without development packages) what the last build left is served. */
async function bundledFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const specifier = pathToFileURL(join(import.meta.dirname, '../../build/dashboard.ts')).href;
  try {
    const builder = (await import(specifier)) as DashboardBuilder;
    return await builder.bundleDashboard();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return embeddedFiles();
    throw error;
  }
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}
