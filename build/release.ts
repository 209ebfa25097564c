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

/** The licences of all that is in the executables; `node` is the path of a Node binary that went in. */
export function writeLicences(bundle: Bundle, node: string): string {
  const licences = licenceTexts(bundle, dirname(dirname(node)));
  writeFileSync(join(DIST, LICENCES), licences);
  return licences;
}

/** The bill of materials, and the checksums of everything that goes out. */
export function writeReleaseFiles(bundle: Bundle): void {
  writeFileSync(join(DIST, BILL), billOfMaterials(bundle, process.versions));
  const files = readdirSync(DIST).filter((name) => RELEASED.test(name));
  const lines = [...files, BILL, LICENCES].sort().map((name) => `${sha256(name)}  ${name}\n`);
  writeFileSync(join(DIST, 'SHA256SUMS'), lines.join(''));
}

const BILL = 'qedge.cdx.json';
const LICENCES = 'THIRD-PARTY-LICENCES.txt';
/** Executables, Debian packages, the container image. */
const RELEASED = /^qedge-linux-\w+(\.xz)?$|^qedge_.*\.deb$|^qedge-.*\.oci\.tar$/;

const sha256 = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(join(DIST, name)))
    .digest('hex');
