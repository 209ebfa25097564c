// Where the build reads and writes.

import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');
export const DIST = join(ROOT, 'dist');
/** What the executable carries, and what a run from source reads (src/sea.ts). */
export const ASSETS = join(DIST, 'assets');
/** Steps between the sources and the executable, and what is kept from one build to the next. */
export const CACHE = join(ROOT, '.cache/build');
