// Asks a new executable three things before it is trusted with the port: does it run here, is it what its signature says,
// and can it read the configuration?

import { spawnSync } from 'node:child_process';
import { CommandError } from '../errors.ts';
import type { Release } from './signature.ts';

const PROBE_TIMEOUT_MS = 30_000;
/** Characters of an unusable answer that are shown. */
const SHOWN_CHARS_MAX = 80;

/** @throws CommandError with what it answered instead */
export function probeExecutable(
  executable: string,
  release: Release,
  { config, env }: { readonly config: string; readonly env: NodeJS.ProcessEnv },
): void {
  const said = versionIn(ask(executable, ['version', '--json'], env));
  if (said !== release.version) {
    throw new CommandError(`the new executable says that it is ${said}, signed was ${release.version}`);
  }
  ask(executable, ['check', '-c', config], env);
}

/** @throws CommandError where it is no answer of a qedge */
function versionIn(answer: string): string {
  try {
    const { version } = JSON.parse(answer) as { version?: unknown };
    if (typeof version === 'string') return version;
  } catch {
    // Said below, with what it is instead.
  }
  const begin = answer.trim().slice(0, SHOWN_CHARS_MAX);
  const got = begin === '' ? 'nothing' : JSON.stringify(begin);
  throw new CommandError(`the new executable says no version of qedge at "version --json", but ${got}`);
}

function ask(executable: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  const result = spawnSync(executable, args, {
    encoding: 'utf8',
    env,
    timeout: PROBE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const words = `the new executable failed at "${args[0]}"`;
  if (result.error !== undefined) throw new CommandError(`${words}: ${result.error.message}`);
  if (result.status !== 0) {
    throw new CommandError(`${words} (${result.status ?? result.signal}): ${(result.stderr || result.stdout).trim()}`);
  }
  return result.stdout;
}
