// POSIX tar (ustar), written so that the same entries give the same bytes.

/** One thing in an archive. Owned by root unless said otherwise. */
export type TarEntry = {
  /** Absolute, as it will be on the system. */
  readonly path: string;
  readonly owner?: number;
} & (
  | { readonly kind: 'file'; readonly mode: number; readonly content: Uint8Array | string }
  | { readonly kind: 'directory'; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string }
);

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;
const TYPES = { file: '0', link: '2', directory: '5' } as const;

/** The archive; the folders above each entry come before it. `mtime`: of everything, in seconds since 1970. */
export function tar(entries: readonly TarEntry[], { prefix, mtime }: TarOptions): Buffer {
  const blocks = withFolders(entries).flatMap((entry) => {
    const content = entry.kind === 'file' ? Buffer.from(entry.content) : Buffer.alloc(0);
    const padding = Buffer.alloc(-content.length & (BLOCK_BYTES - 1));
    return [header(entry, { name: nameOf(entry, prefix), bytes: content.length, mtime }), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

export interface TarOptions {
  /** In front of each name: `./` for dpkg, nothing for a layer. */
  readonly prefix: '' | './';
  readonly mtime: number;
}

function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const given = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      if (!given.has(folder)) given.set(folder, { kind: 'directory', path: folder, mode: 0o755 });
    }
  }
  return [...given.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function nameOf({ path, kind }: TarEntry, prefix: string): string {
  const name = `${prefix}${path.slice(1)}${kind === 'directory' && path !== '/' ? '/' : ''}`;
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) throw new Error(`${path}: too long for tar`);
  return name;
}

interface Facts {
  readonly name: string;
  readonly bytes: number;
  readonly mtime: number;
}

/** POSIX.1-2017, pax, "ustar Interchange Format". */
function header(entry: TarEntry, { name, bytes, mtime }: Facts): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, offset: number, width: number): void => {
    block.write(value.toString(8).padStart(width - 1, '0'), offset, 'latin1');
  };
  block.write(name, 0);
  octal(entry.kind === 'link' ? 0o777 : entry.mode, 100, 8);
  octal(entry.owner ?? 0, 108, 8);
  octal(entry.owner ?? 0, 116, 8);
  octal(bytes, 124, 12);
  octal(mtime, 136, 12);
  block.write(TYPES[entry.kind], 156, 'latin1');
  if (entry.kind === 'link') block.write(entry.target, 157);
  block.write('ustar\x0000', 257, 'latin1');
  if (entry.owner === undefined) {
    block.write('root', 265, 'latin1');
    block.write('root', 297, 'latin1');
  }
  // The sum is taken with spaces in its own place.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
