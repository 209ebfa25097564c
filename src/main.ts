#!/usr/bin/env node
// argv → command; nothing else.

import { runCli } from './cli/program.ts';

// No top-level await: the single executable's bundle is CommonJS.
runCli(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
