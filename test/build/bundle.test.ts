// What the build makes of the sources: scripts that are compiled ahead, each with nothing that another one holds for it.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bundleProgram } from '../../build/bundle.ts';

describe('what threads run', () => {
  it('is a script like the program, without the packages that are loaded by their names', async () => {
    const { path, scripts } = await bundleProgram();
    const holdsUndici = (file = ''): boolean => readFileSync(file, 'utf8').includes('UND_ERR_CONNECT_TIMEOUT');
    const { undici, worker, store, search } = scripts;
    expect(holdsUndici(undici)).toBe(true);
    for (const script of [path, worker, store, search]) {
      expect(holdsUndici(script), script).toBe(false);
      expect(readFileSync(script ?? '', 'utf8')).toMatch(/^\(function \(exports, require/);
    }
  });
});
