// The gates judge what readelf prints; a real file of each kind is judged by every build.

import { describe, expect, it } from 'vitest';
import { highestVersion, readelfFailures } from '../../build/gates.ts';
import { TARGETS } from '../../build/target.ts';

const header = '  Machine:                           AArch64\n';
const segments = (second: string) =>
  [
    '  LOAD           0x000000 0x0000000000400000 0x0000000000400000 0x001800 0x001800 R   0x10000',
    `  LOAD           0x001800 ${second} 0x0000000000411800 0x002000 0x002000 R E 0x10000`,
  ].join('\n');
const apart = segments('0x0000000000411800');

describe('the gates of a release', () => {
  it('pass a file for the oldest supported system', () => {
    expect(readelfFailures(`${header}Name: GLIBC_2.31  Name: GLIBCXX_3.4.28\n${apart}`, TARGETS.arm64)).toEqual([]);
  });

  it('refuse a newer glibc or libstdc++ than the oldest supported system has', () => {
    const failures = readelfFailures(`${header}Name: GLIBC_2.4 Name: GLIBC_2.34 Name: GLIBCXX_3.4.29`, TARGETS.arm64);
    expect(failures).toEqual(['needs GLIBC_2.34, at most 2.31', 'needs GLIBCXX_3.4.29, at most 3.4.28']);
  });

  it('compare versions as numbers, not as text', () => {
    expect(highestVersion('GLIBC_2.4 GLIBC_2.17 GLIBC_2.2.5 GLIBCXX_3.4', 'GLIBC')).toEqual([2, 17]);
  });

  it('refuse libatomic', () => {
    const needed = ' 0x01 (NEEDED)             Shared library: [libatomic.so.1]';
    expect(readelfFailures(header + needed, TARGETS.arm64)).toEqual(['needs libatomic, which stock images lack']);
  });

  it('refuse the wrong machine', () => {
    expect(readelfFailures(header, TARGETS.x64)).toEqual(['not for Advanced Micro Devices X86-64']);
  });

  it('refuse two segments of different rights in one page of the board, not in two', () => {
    const close = header + segments('0x0000000000402000');
    expect(readelfFailures(close, TARGETS.arm64)).toEqual([
      'segments of different rights share a page of 16 KiB: 0x400000',
    ]);
    expect(readelfFailures(header + apart, TARGETS.arm64)).toEqual([]);
  });
});
