// `-c FILE`, the same for every command that reads a configuration.

import { Option } from 'commander';

export interface ConfigOption {
  readonly config: string;
}

export function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration').default('qedge.toml');
}
