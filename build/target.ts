// The two systems an executable is built for, and the tools that build for each on an x86-64 Debian machine.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export type Arch = 'x64' | 'arm64';

export interface Target {
  readonly arch: Arch;
  /** As ELF names it (`readelf -h`). */
  readonly machine: string;
  /** The largest memory page of a supported board: 16 KiB on a Raspberry Pi 5. */
  readonly pageBytes: number;
  /** GNU tools of the target: `gcc`, `g++`, `strip` with this in front. */
  readonly toolPrefix: string;
  /** Command line that runs one of the target's programs here; empty when this machine runs it itself. */
  readonly emulator: readonly string[];
  /** The Debian packages that bring the tools. */
  readonly packages: readonly string[];
}

export const TARGETS: Readonly<Record<Arch, Target>> = {
  x64: {
    arch: 'x64',
    machine: 'Advanced Micro Devices X86-64',
    pageBytes: 4 * 1024,
    toolPrefix: '',
    emulator: [],
    packages: ['g++', 'binutils', 'xz-utils'],
  },
  arm64: {
    arch: 'arm64',
    machine: 'AArch64',
    pageBytes: 16 * 1024,
    toolPrefix: 'aarch64-linux-gnu-',
    emulator: ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'],
    packages: ['g++-aarch64-linux-gnu', 'libstdc++6-arm64-cross', 'qemu-user-static', 'binutils', 'xz-utils'],
  },
};

/** The programs that building for `target` needs and this machine lacks. */
export function missingTools(target: Target): readonly string[] {
  const { toolPrefix, emulator } = target;
  const tools = [
    `${toolPrefix}gcc`,
    `${toolPrefix}g++`,
    `${toolPrefix}strip`,
    'readelf',
    'xz',
    ...emulator.slice(0, 1),
  ];
  return tools.filter((tool) => !onPath(tool));
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
