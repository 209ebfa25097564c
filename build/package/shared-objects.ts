// The shared objects that an executable needs, as this machine has them from the distribution's packages.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../command.ts';
import type { Arch } from '../target.ts';
import type { TarEntry } from './tar.ts';

interface Place {
  readonly directories: readonly string[];
  /** Whose licence goes along. */
  readonly packages: readonly string[];
}

const PLACES: Readonly<Record<Arch, Place>> = {
  x64: {
    directories: ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu'],
    packages: ['libc6', 'libgcc-s1', 'libstdc++6'],
  },
  arm64: {
    directories: ['/lib/aarch64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/aarch64-linux-gnu/lib'],
    packages: ['libc6-arm64-cross', 'libgcc-s1-arm64-cross', 'libstdc++6-arm64-cross'],
  },
};

/** What has to be in a root for `executable` to start there: its interpreter, its libraries and theirs, and their licences. */
export function sharedObjects(executable: string, arch: Arch): readonly TarEntry[] {
  const { directories, packages } = PLACES[arch];
  const interpreter = /program interpreter: (\S+)\]/.exec(
    run('readelf', ['--program-headers', '--wide', executable]),
  )?.[1];
  if (interpreter === undefined) throw new Error(`${executable}: names no interpreter`);
  const found = new Map<string, string>();
  const collect = (file: string): void => {
    for (const [, name = ''] of run('readelf', ['--dynamic', '--wide', file]).matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
      if (found.has(name)) continue;
      const path = directories.map((directory) => join(directory, name)).find((one) => existsSync(one));
      if (path === undefined) throw new Error(`${name} of ${arch} is in none of ${directories.join(', ')}`);
      found.set(name, path);
      collect(path);
    }
  };
  collect(executable);
  const libraries = [...found].map(([name, path]): TarEntry => {
    const place = interpreter.endsWith(`/${name}`) ? interpreter : `/lib/${name}`;
    return { kind: 'file', path: place, mode: 0o755, content: readFileSync(path) };
  });
  return [...libraries, ...packages.map(licence)];
}

const licence = (name: string): TarEntry => {
  const path = `/usr/share/doc/${name}/copyright`;
  return { kind: 'file', path, mode: 0o644, content: readFileSync(path) };
};
