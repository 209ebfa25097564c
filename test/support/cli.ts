// The command line as a whole, run in this process.

import { vi } from 'vitest';
import { runCli } from '../../src/cli/program.ts';

/** Exit status and what went to each stream. */
export async function cli(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    texts.out += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    texts.err += String(chunk);
    return true;
  });
  const status = await runCli(argv);
  vi.restoreAllMocks();
  return { status, ...texts };
}
