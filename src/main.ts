#!/usr/bin/env node
// argv → command; nothing else.

import './cli/service/hold-at-start.ts';
import { runCli } from './cli/program.ts';
import { watchStandardStreams } from './cli/standard-streams.ts';

watchStandardStreams({ stdout: process.stdout, stderr: process.stderr, exit: (code) => process.exit(code) });

// No top-level await: the single executable's bundle is CommonJS.
runCli(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
