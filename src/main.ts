#!/usr/bin/env node
// argv → command; nothing else.

import { runCli } from './cli/program.ts';
import { holdServiceSignals } from './cli/service/held-signals.ts';
import { watchStandardStreams } from './cli/standard-streams.ts';

// Before the code of the service is loaded, which takes longer than all else of its start.
if (process.argv[2] === 'run') holdServiceSignals();

watchStandardStreams({ stdout: process.stdout, stderr: process.stderr, exit: (code) => process.exit(code) });

// No top-level await: the single executable's bundle is CommonJS.
runCli(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
