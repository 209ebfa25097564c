// Imported by each benchmark before all else: `--help` prints the head of its file, which says how it is run, and an option that
// it does not know is answered by a line.

import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';

const [, file = '', ...words] = process.argv;

// Some are also parts of tests.
if (file.includes('/test/bench/')) {
  if (words.includes('--help') || words.includes('-h')) {
    const [head = ''] = readFileSync(file, 'utf8').split(/^(?!\/\/)/m);
    process.stdout.write(head.replaceAll(/^\/\/ ?/gm, ''));
    process.exit(0);
  }
  process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
    const isUsage = error.code?.startsWith('ERR_PARSE_ARGS') ?? false;
    process.stderr.write(isUsage ? `${error.message}\n--help says how it is run.\n` : `${inspect(error)}\n`);
    process.exit(isUsage ? 64 : 1);
  });
}
