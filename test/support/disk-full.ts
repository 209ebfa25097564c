// An update on a file system that is too small for it; says what came of it.
//   TMPDIR=<small file system> node disk-full.ts NEW_EXECUTABLE

import { readdirSync } from 'node:fs';
import { digestOf } from '../../src/update/copy.ts';
import { UpdateRig } from './update-rig.ts';

const file = process.argv[2] ?? '';
const rig = new UpdateRig();
rig.sign({ version: '2.0.0', architecture: 'x64', ...digestOf(file) });
let message = '';
try {
  rig.swap({ file });
} catch (error) {
  message = (error as Error).message;
}
const files = readdirSync(rig.layout.directory);
process.stdout.write(JSON.stringify({ message, inPlace: rig.inPlace(), files }));
