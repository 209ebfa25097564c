// What kind of program a file is, from the first bytes of its ELF header.

import { closeSync, readSync } from 'node:fs';
import { openRegular } from './copy.ts';

/** e_machine of the ELF specification → the name that Node has for it. */
const MACHINES: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64', 3: 'ia32', 40: 'arm' };
const ELF_MAGIC = 0x7f454c46;
const MACHINE_OFFSET = 18;

/** `x64`, `arm64`, … as `process.arch` says it; null when the file is no little-endian ELF program. @throws Error for what is no regular file */
export function architectureOf(path: string): string | null {
  const header = Buffer.alloc(20);
  const fd = openRegular(path);
  try {
    if (readSync(fd, header, 0, header.length, 0) < header.length) return null;
  } finally {
    closeSync(fd);
  }
  const littleEndian = header[5] === 1;
  if (header.readUInt32BE(0) !== ELF_MAGIC || !littleEndian) return null;
  const machine = header.readUInt16LE(MACHINE_OFFSET);
  return MACHINES[machine] ?? `machine ${machine}`;
}
