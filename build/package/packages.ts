// `npm run build -- --packages`: a Debian package for each executable, and one container image for all.

import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { commandTree } from '../../src/cli/program.ts';
import { neededVersions } from '../gates.ts';
import { DIST } from '../paths.ts';
import { sourceTime } from '../source-time.ts';
import type { Arch } from '../target.ts';
import { XZ } from './deb.ts';
import { DEBIAN_ARCH, debianPackage, debianVersion, type ManualPages } from './debian.ts';
import { commandPage } from './man/command-page.ts';
import { configPage } from './man/config-page.ts';
import { ociArchive } from './oci.ts';

export interface PackageParts {
  /** Architecture → what was built for it. */
  readonly executables: Readonly<Partial<Record<Arch, BuiltProgram>>>;
  readonly licences: string;
  readonly version: string;
  readonly commit: string;
}

export interface BuiltProgram {
  readonly path: string;
  /** Paths of what it loads at run time, which is inside. */
  readonly addons: readonly string[];
}

/** What an earlier build left in dist/, of any version. */
export function removePackages(): void {
  for (const name of readdirSync(DIST).filter((name) => /^qedge_.*\.deb$|^qedge-.*\.oci\.tar$/.test(name))) {
    rmSync(join(DIST, name));
  }
}

/** Writes them to dist/, and reports each with its size. */
export async function writePackages(parts: PackageParts, report: (line: string) => void): Promise<void> {
  const { executables, version, licences } = parts;
  const mtime = Math.floor(sourceTime().getTime() / 1000);
  const manualPages = await manual(version, sourceTime());
  const write = (name: string, bytes: Uint8Array): void => {
    const path = join(DIST, name);
    writeFileSync(path, bytes);
    report(`packages: dist/${basename(path)} ${(statSync(path).size / 2 ** 20).toFixed(1)} MiB`);
  };
  for (const [arch, { path, addons }] of entriesOf(executables)) {
    const symbols = neededVersions([path, ...addons]);
    const bytes = debianPackage(
      { arch, executable: readFileSync(path), version, symbols, manualPages, licences, mtime },
      XZ,
    );
    write(`qedge_${debianVersion(version)}_${DEBIAN_ARCH[arch]}.deb`, bytes);
  }
  const paths = Object.fromEntries(entriesOf(executables).map(([arch, { path }]) => [arch, path]));
  const image = { executables: paths, version, commit: parts.commit, licences, mtime, level: 9 };
  write(`qedge-${version}.oci.tar`, ociArchive(image));
}

const entriesOf = (executables: PackageParts['executables']) => Object.entries(executables) as [Arch, BuiltProgram][];

/** From the very definitions that the program reads its command line and its configuration by. */
export async function manual(version: string, time: Date): Promise<ManualPages> {
  const build = { version, date: time.toISOString().slice(0, 10) };
  return { 'qedge.1': commandPage(await commandTree(), build), 'qedge.toml.5': configPage(build) };
}
