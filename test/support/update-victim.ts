// A process to be killed: carries out an update, or the return of the previous executable, up to its n-th change.
//   node update-victim.ts swap|guard OPTIONS.json N

import { readFileSync } from 'node:fs';
import { killAtOperation } from './kill-at-operation.ts';

const [kind, optionsFile = '', n] = process.argv.slice(2);
const options = JSON.parse(readFileSync(optionsFile, 'utf8'));
const { swapExecutable } = await import('../../src/update/swap.ts');
const { guardStart } = await import('../../src/update/trial.ts');

const changes = killAtOperation(Number(n));
if (kind === 'swap') swapExecutable({ ...options, probe: () => undefined });
else guardStart(options.layout, options.stateDirectory);
process.stdout.write(String(changes()));
