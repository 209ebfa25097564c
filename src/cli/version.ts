// `qedge version`: what exactly is running.

import type { Command } from 'commander';

/** Set by the bundler; a run from source says so. */
declare const QEDGE_VERSION: string | undefined;
declare const QEDGE_COMMIT: string | undefined;

export const version = typeof QEDGE_VERSION === 'string' ? QEDGE_VERSION : '0.1.0-source';
export const commit = typeof QEDGE_COMMIT === 'string' ? QEDGE_COMMIT : 'source';

export function registerVersion(program: Command): void {
  program
    .command('version')
    .description('print version, commit, Node and architecture')
    .option('--json', 'as JSON')
    .action((options: { json?: true }) => {
      const facts = { version, commit, node: process.versions.node, arch: process.arch };
      if (options.json) process.stdout.write(`${JSON.stringify(facts)}\n`);
      else process.stdout.write(`qedge ${version} (${commit}) node ${facts.node} ${facts.arch}\n`);
    });
}
