// qedge as a container image, in an archive that Docker, Podman and containerd load: one index, an image for each
// architecture. After the OCI image format specification 1.1; made without a daemon and without the network.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT } from '../paths.ts';
import type { Arch } from '../target.ts';
import { DEBIAN_ARCH } from './debian.ts';
import { sharedObjects } from './shared-objects.ts';
import { type TarEntry, tar } from './tar.ts';

export interface OciArchive {
  /** Architecture → path. */
  readonly executables: Readonly<Partial<Record<Arch, string>>>;
  readonly version: string;
  readonly commit: string;
  readonly licences: string;
  /** When its sources were last changed, seconds since 1970. */
  readonly mtime: number;
  /** Of gzip, 1 to 9. */
  readonly level: number;
}

/** Not root, and no user of the host either: as distroless images have it. */
const USER = 65_532;
const CONFIG = '/etc/qedge/qedge.toml';
const STATE = '/var/lib/qedge';
const TYPE = 'application/vnd.oci.image';

interface Blob {
  readonly bytes: Uint8Array;
  readonly descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
}

/** The bytes of the archive; the same parts give the same bytes. */
export function ociArchive(archive: OciArchive): Buffer {
  const images = Object.entries(archive.executables).map(([arch, path]) => image(arch as Arch, path, archive));
  const manifests = images.map(({ manifest, architecture }) => ({
    ...manifest.descriptor,
    platform: { os: 'linux', architecture },
  }));
  const index = json(`${TYPE}.index.v1+json`, { schemaVersion: 2, mediaType: `${TYPE}.index.v1+json`, manifests });
  const annotations = {
    'io.containerd.image.name': `docker.io/library/qedge:${archive.version}`,
    'org.opencontainers.image.ref.name': archive.version,
  };
  const blobs = [index, ...images.flatMap(({ blobs }) => blobs)];
  const entries: TarEntry[] = [
    text('/oci-layout', { imageLayoutVersion: '1.0.0' }),
    text('/index.json', { schemaVersion: 2, manifests: [{ ...index.descriptor, annotations }] }),
    // What Docker reads where its images are not containerd's.
    text(
      '/manifest.json',
      images.map(({ legacy }) => legacy),
    ),
    ...blobs.map(({ bytes, descriptor }): TarEntry => {
      return { kind: 'file', path: `/${blobPath(descriptor.digest)}`, mode: 0o644, content: bytes };
    }),
  ];
  return tar(entries, { prefix: '', mtime: archive.mtime });
}

function image(arch: Arch, executable: string, archive: OciArchive) {
  const architecture = DEBIAN_ARCH[arch];
  const layers = [baseEntries(executable, arch), programEntries(executable, archive)].map((entries) =>
    layer(entries, archive),
  );
  const config = json(
    `${TYPE}.config.v1+json`,
    imageConfig(
      architecture,
      archive,
      layers.map(({ diffId }) => diffId),
    ),
  );
  const manifest = json(`${TYPE}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${TYPE}.manifest.v1+json`,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  const legacy = {
    Config: blobPath(config.descriptor.digest),
    RepoTags: [`qedge:${archive.version}-${architecture}`],
    Layers: layers.map(({ descriptor }) => blobPath(descriptor.digest)),
  };
  return { architecture, manifest, legacy, blobs: [manifest, config, ...layers] };
}

/** What stays the same from one version to the next. */
function baseEntries(executable: string, arch: Arch): readonly TarEntry[] {
  return [
    ...sharedObjects(executable, arch),
    file('/etc/passwd', `root:x:0:0:root:/:/sbin/nologin\nqedge:x:${USER}:${USER}:qedge:${STATE}:/sbin/nologin\n`),
    file('/etc/group', `root:x:0:\nqedge:x:${USER}:\n`),
    file('/etc/nsswitch.conf', 'hosts: files dns\n'),
    { kind: 'directory', path: '/tmp', mode: 0o1777 },
    { kind: 'directory', path: STATE, mode: 0o700, owner: USER },
  ];
}

function programEntries(executable: string, { licences }: OciArchive): readonly TarEntry[] {
  return [
    { ...file('/usr/bin/qedge', readFileSync(executable)), mode: 0o755 },
    file(CONFIG, containerConfig()),
    file('/usr/share/doc/qedge/third-party-licences', licences),
  ];
}

/** Clients come from outside of the container; the admin port stays within, where the health check asks it. */
function containerConfig(): string {
  const reference = readFileSync(join(ROOT, 'config/qedge.toml'), 'utf8').replace('#:schema ./qedge.schema.json\n', '');
  return reference.replace('#listen = "127.0.0.1:8080"', 'listen = "0.0.0.0:8080"');
}

function imageConfig(architecture: string, archive: OciArchive, diffIds: readonly string[]) {
  const created = new Date(archive.mtime * 1000).toISOString();
  return {
    architecture,
    os: 'linux',
    created,
    config: {
      User: `${USER}:${USER}`,
      Entrypoint: ['/usr/bin/qedge'],
      Cmd: ['run', '-c', CONFIG],
      Env: ['PATH=/usr/bin', `STATE_DIRECTORY=${STATE}`],
      WorkingDir: '/',
      ExposedPorts: { '8080/tcp': {} },
      Volumes: { [STATE]: {} },
      StopSignal: 'SIGTERM',
      // Docker's own; the specification has no field for it, and lets others be. A check costs a start of the executable: a
      // fifth of a second of a core.
      Healthcheck: {
        Test: ['CMD', '/usr/bin/qedge', 'health', '-c', CONFIG],
        Interval: 30e9,
        Timeout: 5e9,
        Retries: 3,
        StartPeriod: 5e9,
      },
      Labels: {
        'org.opencontainers.image.title': 'qedge',
        'org.opencontainers.image.version': archive.version,
        'org.opencontainers.image.revision': archive.commit,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [
      { created, created_by: 'glibc, libstdc++' },
      { created, created_by: 'qedge' },
    ],
  };
}

function layer(entries: readonly TarEntry[], { mtime, level }: OciArchive): Blob & { readonly diffId: string } {
  const bytes = tar(entries, { prefix: '', mtime });
  return { ...blob(`${TYPE}.layer.v1.tar+gzip`, gzipSync(bytes, { level })), diffId: digestOf(bytes) };
}

const blob = (mediaType: string, bytes: Uint8Array): Blob => {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
};
const json = (mediaType: string, value: object): Blob => blob(mediaType, Buffer.from(JSON.stringify(value)));
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;
const text = (path: string, value: object): TarEntry => file(path, JSON.stringify(value));

function file(path: string, content: Uint8Array | string) {
  return { kind: 'file', path, mode: 0o644, content } as const;
}
