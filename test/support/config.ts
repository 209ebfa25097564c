// A validated configuration from TOML text, as `qedge run -c` would have it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';

export function configFrom(toml: string): Config {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-config-'));
  const file = join(directory, 'qedge.toml');
  try {
    writeFileSync(file, toml);
    return loadConfig(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
