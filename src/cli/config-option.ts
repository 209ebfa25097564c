// `-c FILE`, the same for every command that reads a configuration.

import { Option } from 'commander';

/** Options of a command that reads a configuration. */
export interface ConfigOption {
  readonly config: string;
}

/** `-c FILE`, by default `qedge.toml` in the working directory. */
export function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration').default('qedge.toml');
}
