// An executable that behaves as the file `behaviour` beside it says, once it runs as the service. Asked for its version
// or for a check it answers as a good one does: what is wrong with it shows only at work.

'use strict';

const { readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

const behaviour = readFileSync(join(dirname(process.execPath), 'behaviour'), 'utf8').trim();

const BEHAVIOURS = {
  'crashes at once': () => process.exit(1),
  'crashes after 5 s': () => setTimeout(() => process.exit(1), 5000),
  'never becomes ready': () => setInterval(() => undefined, 1000),
};

switch (process.argv[2]) {
  case 'version':
    process.stdout.write(`${JSON.stringify({ version: '9.9.9' })}\n`);
    break;
  case 'check':
    if (behaviour === 'cannot read the config') {
      process.stderr.write('qedge.toml:1:1: cannot be read by this version\n');
      process.exitCode = 78;
    }
    break;
  default:
    BEHAVIOURS[behaviour]();
}
