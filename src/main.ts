#!/usr/bin/env node
// argv → command; nothing else.

import { runCli } from './cli/program.ts';
import { holdServiceSignals } from './cli/service/held-signals.ts';

// Before the code of the service is loaded, which takes longer than all else of its start.
if (process.argv[2] === 'run') holdServiceSignals();

// A reader that has seen enough (`| head`) ends the program, and is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

// No top-level await: the single executable's bundle is CommonJS.
runCli(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
