// What goes out with the executables: compressed copies, checksums, the bill of materials, the licences.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Bundle } from './bundle.ts';
import { run } from './command.ts';
import { DIST } from './paths.ts';
import { billOfMaterials, licenceTexts } from './sbom.ts';

/** `dist/<name>.xz`, beside the file itself. */
export function compress(path: string): void {
  run('xz', ['--keep', '--force', '--threads=0', '-6', '--suffix=.xz.part', path]);
  renameSync(`${path}.xz.part`, `${path}.xz`);
}

/** `node` is the path of a Node binary that went in. */
export function writeReleaseFiles(bundle: Bundle, node: string): void {
  writeFileSync(join(DIST, 'qedge.cdx.json'), billOfMaterials(bundle, process.versions));
  writeFileSync(join(DIST, 'THIRD-PARTY-LICENCES.txt'), licenceTexts(bundle, dirname(dirname(node))));
  const files = readdirSync(DIST).filter((name) => name.startsWith('qedge-linux-') && !name.endsWith('.part'));
  const lines = [...files, 'qedge.cdx.json', 'THIRD-PARTY-LICENCES.txt']
    .sort()
    .map((name) => `${sha256(name)}  ${name}\n`);
  writeFileSync(join(DIST, 'SHA256SUMS'), lines.join(''));
}

const sha256 = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(join(DIST, name)))
    .digest('hex');
