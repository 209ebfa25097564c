// The container image around the executable that was built, read as a container engine reads it.
// requires: binary-x64, root

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ociArchive } from '../../../build/package/oci.ts';
import { builtExecutable } from '../../support/executable.ts';

vi.setConfig({ testTimeout: 300_000 });
const UNPACKED_BYTES_MAX = 125 * 2 ** 20;

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

/** An archive, unpacked. */
class Unpacked {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'qedge-oci-'));

  constructor(executable: string) {
    onTestFinished(() => rmSync(this.directory, { recursive: true }));
    const parts = { version: '0.2.0', commit: 'abc', licences: 'licences', mtime: 1_790_000_000, level: 0 };
    this.unpack(ociArchive({ ...parts, executables: { x64: executable } }), this.directory);
  }

  unpack(bytes: Uint8Array, into: string): void {
    expect(spawnSync('tar', ['-x', '-C', into], { input: bytes }).status).toBe(0);
  }

  blob(digest: string): Buffer {
    return readFileSync(join(this.directory, 'blobs', digest.replace(':', '/')));
  }

  document<Document>(digest: string): Document {
    return JSON.parse(this.blob(digest).toString()) as Document;
  }

  get index(): Descriptor {
    return JSON.parse(readFileSync(join(this.directory, 'index.json'), 'utf8')).manifests[0];
  }

  get manifest(): { readonly config: Descriptor; readonly layers: readonly Descriptor[] } {
    const [first] = this.document<{ readonly manifests: readonly Descriptor[] }>(this.index.digest).manifests;
    return this.document(first?.digest ?? '');
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** A program of the system, which is small. */
const STAND_IN = '/bin/true';

describe('the container image', () => {
  it('has each blob under the digest and the size that its descriptor gives', () => {
    const image = new Unpacked(STAND_IN);
    const folder = join(image.directory, 'blobs/sha256');
    const names = readdirSync(folder);
    expect(names.filter((name) => sha256(readFileSync(join(folder, name))) !== name)).toEqual([]);
    const { config, layers } = image.manifest;
    const described = [image.index, config, ...layers];
    for (const { digest, size } of described) expect(image.blob(digest).length).toBe(size);
    expect(names).toHaveLength(described.length + 1);
    const { rootfs } = image.document<{ readonly rootfs: { readonly diff_ids: readonly string[] } }>(config.digest);
    expect(rootfs.diff_ids).toEqual(layers.map(({ digest }) => `sha256:${sha256(gunzipSync(image.blob(digest)))}`));
  });

  it('runs qedge as another user than root, and asks it for its health', () => {
    const image = new Unpacked(STAND_IN);
    expect(image.document(image.manifest.config.digest)).toMatchObject({
      architecture: 'amd64',
      config: {
        User: '65532:65532',
        Entrypoint: ['/usr/bin/qedge'],
        Cmd: ['run', '-c', '/etc/qedge/qedge.toml'],
        Healthcheck: { Test: ['CMD', '/usr/bin/qedge', 'health', '-c', '/etc/qedge/qedge.toml'] },
      },
    });
  });

  it('has all that qedge needs to start, and little more', () => {
    const image = new Unpacked(builtExecutable('x64'));
    const root = join(image.directory, 'root');
    mkdirSync(join(root, 'proc'), { recursive: true });
    for (const { digest } of image.manifest.layers) image.unpack(gunzipSync(image.blob(digest)), root);
    const enter = 'mount -t proc proc "$0/proc"; exec chroot --userspec=65532:65532 "$0" /usr/bin/qedge "$@"';
    const qedge = (...args: readonly string[]) =>
      spawnSync('unshare', ['--mount', 'sh', '-ec', enter, root, ...args], { encoding: 'utf8' });
    expect(qedge('version')).toMatchObject({ status: 0, stdout: expect.stringContaining('sqlite 3.') });
    expect(qedge('check', '-c', '/etc/qedge/qedge.toml')).toMatchObject({ status: 0, stderr: '' });
    expect(qedge('health', '--url', 'http://127.0.0.1:1')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('connection refused'),
    });
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(root, name)));
    expect(files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(UNPACKED_BYTES_MAX);
  });
});
