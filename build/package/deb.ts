// The container of a Debian package, deb(5): an ar(5) archive of three members.

import { spawnSync } from 'node:child_process';
import { type TarEntry, tar } from './tar.ts';

export interface DebParts {
  readonly control: readonly TarEntry[];
  readonly data: readonly TarEntry[];
  /** Of everything in it, seconds since 1970. */
  readonly mtime: number;
}

/** Packs an archive; `suffix` is how dpkg knows it. */
export interface Compression {
  readonly suffix: '.xz' | '.zst';
  readonly pack: (bytes: Uint8Array) => Uint8Array;
}

/** Understood by every dpkg. Two threads give the same bytes on any machine. */
export const XZ: Compression = {
  suffix: '.xz',
  pack: (bytes) => {
    const { status, stdout, error } = spawnSync('xz', ['-6', '--threads=2', '--stdout'], {
      input: bytes,
      maxBuffer: bytes.length + 2 ** 20,
    });
    if (status !== 0) throw new Error(`xz: ${error?.message ?? `exit ${status}`}`);
    return stdout;
  },
};

/** The bytes of the package. */
export function debFile({ control, data, mtime }: DebParts, compression: Compression): Buffer {
  const { suffix, pack } = compression;
  const archive = (entries: readonly TarEntry[]): Uint8Array =>
    pack(tar([{ kind: 'directory', path: '/', mode: 0o755 }, ...entries], { prefix: './', mtime }));
  return ar(
    [
      ['debian-binary', Buffer.from('2.0\n')],
      [`control.tar${suffix}`, archive(control)],
      [`data.tar${suffix}`, archive(data)],
    ],
    mtime,
  );
}

function ar(members: readonly (readonly [string, Uint8Array])[], mtime: number): Buffer {
  const parts = members.flatMap(([name, bytes]) => {
    const header = `${name.padEnd(16)}${String(mtime).padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`;
    return [Buffer.from(header), bytes, Buffer.from(bytes.length % 2 === 1 ? '\n' : '')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}
