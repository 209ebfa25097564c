// `-c FILE`, the same for every command that reads a configuration.

import { Option } from 'commander';
import type { ConfigError } from '../errors.ts';

/** Options of a command that reads a configuration. */
export interface ConfigOption {
  readonly config: string;
}

const DEFAULT = 'qedge.toml';

/** What to do where no file was named and none has the usual name; empty otherwise. */
export function missingFileHint(argv: readonly string[], { problems: [problem] }: ConfigError): string {
  const isNamed = argv.some((word) => /^(?:-c|--config)/.test(word));
  const isMissing = problem?.file === DEFAULT && problem.message.startsWith('no such file');
  const runs = argv[0] === 'run' || argv[0] === 'check';
  return runs && isMissing && !isNamed ? '\n(-c names another file; qedge demo needs none)' : '';
}

/** `-c FILE`, by default `qedge.toml` in the working directory. */
export function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration').default(DEFAULT);
}
