// `qedge version`: what exactly is running.

import { tmpdir } from 'node:os';
import Database from 'better-sqlite3';
import type { Command } from 'commander';
import { loadSqliteBinding, sqliteBindingProblem } from '../../sea.ts';
import { commit, version } from '../build-facts.ts';

/** Set by the single executable's first lines (build/start): whether its compiled code was of use to this V8. */
declare const qedgeCodeCache: 'used' | 'rejected' | undefined;

export function registerVersion(program: Command): void {
  program
    .command('version')
    .description('print version, commit, Node, SQLite and architecture')
    .option('--json', 'print JSON')
    .action((options: { json?: true }) => {
      const codeCache = typeof qedgeCodeCache === 'string' ? qedgeCodeCache : 'none';
      const { arch, versions } = process;
      const sqlite = sqliteVersion();
      const facts = { version, commit, node: versions.node, ...sqlite, arch, codeCache };
      const kept = 'sqlite' in sqlite ? `sqlite ${sqlite.sqlite}` : `no sqlite: ${sqlite.problem},`;
      if (options.json) process.stdout.write(`${JSON.stringify(facts)}\n`);
      else process.stdout.write(`qedge ${version} (${commit}) node ${facts.node} ${kept} ${arch}\n`);
    });
}

/** Asked of the library itself: that it loads at all is half of what the command is for. */
function sqliteVersion(): { readonly sqlite: string } | { readonly problem: string } {
  const problem = sqliteBindingProblem(tmpdir());
  if (problem !== null) return { problem };
  const binding = loadSqliteBinding(tmpdir());
  const database = new Database(':memory:', binding === undefined ? {} : { nativeBinding: binding as never });
  try {
    return { sqlite: String(database.prepare('select sqlite_version()').pluck().get()) };
  } finally {
    database.close();
  }
}
