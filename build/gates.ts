// What a release must hold to run on the boards it is for; each failure ends the build.

import { statSync } from 'node:fs';
import { run } from './command.ts';
import type { Target } from './target.ts';

/** Ubuntu 20.04 and JetPack 5, the oldest systems that are supported. */
const GLIBC_MAX = [2, 31] as const;
const GLIBCXX_MAX = [3, 4, 28] as const;
const EXECUTABLE_BYTES_MAX = 115 * 1024 * 1024;

/** Everything that is wrong with the executable and its addons, empty when nothing is. */
export function gateFailures(target: Target, executable: string, addons: readonly string[]): readonly string[] {
  const bytes = statSync(executable).size;
  const tooLarge =
    bytes > EXECUTABLE_BYTES_MAX ? [`${executable}: ${bytes} bytes, at most ${EXECUTABLE_BYTES_MAX}`] : [];
  return [...tooLarge, ...[executable, ...addons].flatMap((path) => elfFailures(target, path))];
}

function elfFailures(target: Target, path: string): readonly string[] {
  const text = run('readelf', ['--file-header', '--dynamic', '--version-info', '--program-headers', '--wide', path]);
  return readelfFailures(text, target).map((failure) => `${path}: ${failure}`);
}

/** Judges what `readelf -hdVlW` printed of one file. */
export function readelfFailures(text: string, target: Pick<Target, 'machine' | 'pageBytes'>): readonly string[] {
  const { machine, pageBytes } = target;
  const failures: string[] = [];
  if (!text.includes(`Machine:                           ${machine}`)) failures.push(`not for ${machine}`);
  for (const name of ['GLIBC', 'GLIBCXX'] as const) {
    const version = highestVersion(text, name);
    const max = name === 'GLIBC' ? GLIBC_MAX : GLIBCXX_MAX;
    if (compareVersions(version, max) > 0)
      failures.push(`needs ${name}_${version.join('.')}, at most ${max.join('.')}`);
  }
  if (/\(NEEDED\).*libatomic/.test(text)) failures.push('needs libatomic, which stock images lack');
  const shared = sharedPages(text, pageBytes);
  if (shared.length > 0)
    failures.push(`segments of different rights share a page of ${pageBytes / 1024} KiB: ${shared.join(', ')}`);
  return failures;
}

/** Highest symbol version of each library. */
export type NeededVersions = Readonly<Record<'GLIBC' | 'GLIBCXX', readonly number[]>>;

/** What a system must have to run all of `paths`. */
export function neededVersions(paths: readonly string[]): NeededVersions {
  const text = paths.map((path) => run('readelf', ['--version-info', '--wide', path])).join('');
  return { GLIBC: highestVersion(text, 'GLIBC'), GLIBCXX: highestVersion(text, 'GLIBCXX') };
}

/** The highest symbol version of that name that is needed, `[]` when none is. */
export function highestVersion(text: string, name: 'GLIBC' | 'GLIBCXX'): readonly number[] {
  const versions = [...text.matchAll(new RegExp(`\\b${name}_(\\d+(?:\\.\\d+)*)\\b`, 'g'))];
  return (
    versions
      .map((match) => (match[1] ?? '').split('.').map(Number))
      .sort(compareVersions)
      .at(-1) ?? []
  );
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  const i = Array.from({ length: Math.max(a.length, b.length) }, (_, n) => n).find((n) => (a[n] ?? 0) !== (b[n] ?? 0));
  return i === undefined ? 0 : (a[i] ?? 0) - (b[i] ?? 0);
}

interface Segment {
  readonly firstPage: number;
  readonly lastPage: number;
  readonly rights: string;
}

/** Pages that two load segments of different rights would both lie in: the kernel can map such a file wrongly. */
function sharedPages(text: string, pageBytes: number): readonly string[] {
  const rows = text.matchAll(/^\s+LOAD\s+\S+\s+(0x[0-9a-f]+)\s+\S+\s+\S+\s+(0x[0-9a-f]+)\s+([RWE ]{3})/gm);
  const segments: Segment[] = [...rows].map(([, address, bytes, rights = '']) => ({
    firstPage: Math.floor(Number(address) / pageBytes),
    lastPage: Math.floor((Number(address) + Number(bytes) - 1) / pageBytes),
    rights,
  }));
  return segments.flatMap((a, i) =>
    segments
      .slice(i + 1)
      .filter((b) => a.rights !== b.rights && a.firstPage <= b.lastPage && b.firstPage <= a.lastPage)
      .map((b) => `0x${(Math.max(a.firstPage, b.firstPage) * pageBytes).toString(16)}`),
  );
}
