// Runs the tools of the build; one that fails ends the build with what it said.

import { spawnSync } from 'node:child_process';

/** Standard output of a command that succeeded; throws with everything it said otherwise. */
export function run(command: string, args: readonly string[], options: { readonly cwd?: string } = {}): string {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...options });
  if (result.error !== undefined) throw new Error(`${command}: ${result.error.message}`);
  if (result.status !== 0) {
    throw new Error(
      `${command} ${args.join(' ')}: exit ${result.status ?? result.signal}\n${result.stdout}${result.stderr}`,
    );
  }
  return result.stdout;
}
