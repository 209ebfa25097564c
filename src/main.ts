#!/usr/bin/env node
// argv → command; nothing else.

import { runCli } from './cli/program.ts';

process.exitCode = await runCli(process.argv.slice(2));
