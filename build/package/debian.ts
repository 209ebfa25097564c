// qedge as a Debian package: the executable, its units, its configuration, manual pages and completion.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { NeededVersions } from '../gates.ts';
import { ROOT } from '../paths.ts';
import type { Arch } from '../target.ts';
import { type Compression, debFile } from './deb.ts';
import type { TarEntry } from './tar.ts';

export interface DebianPackage {
  readonly arch: Arch;
  readonly executable: Uint8Array;
  /** As semver.org has it. */
  readonly version: string;
  /** Highest symbol versions that the executable and its addons need, by `GLIBC` and `GLIBCXX`. */
  readonly symbols: NeededVersions;
  readonly manualPages: ManualPages;
  /** Licences of what is in it, one after the other. */
  readonly licences: string;
  /** When its sources were last changed, seconds since 1970. */
  readonly mtime: number;
}

/** By the names that man(1) knows. */
export type ManualPages = Readonly<Record<'qedge.1' | 'qedge.toml.5', string>>;

/** Debian's words for the architectures. */
export const DEBIAN_ARCH: Readonly<Record<Arch, string>> = { x64: 'amd64', arm64: 'arm64' };
const MAINTAINER = 'qedge maintainers <maintainers@qedge.example>';

/** `0.2.0-rc.1` is older than `0.2.0`: for Debian a tilde says so. */
export const debianVersion = (version: string): string => version.replace('-', '~');

/** The bytes of `qedge_<version>_<architecture>.deb`; the same parts give the same bytes. */
export function debianPackage(parts: DebianPackage, compression: Compression): Buffer {
  const data = dataEntries(parts);
  return debFile({ control: controlEntries(parts, data), data, mtime: parts.mtime }, compression);
}

const file = (path: string, content: Uint8Array | string, mode = 0o644): TarEntry => ({
  kind: 'file',
  path,
  content,
  mode,
});
const repository = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
/** Without a time and a name in it. */
const gzip = (text: string): Buffer => gzipSync(text, { level: 9 });

function dataEntries({ executable, manualPages, licences, ...parts }: DebianPackage): readonly TarEntry[] {
  const documentation = '/usr/share/doc/qedge';
  return [
    file('/usr/lib/qedge/qedge', executable, 0o755),
    { kind: 'link', path: '/usr/bin/qedge', target: '../lib/qedge/qedge' },
    file(CONFIG, repository('config/qedge.toml').replace('./qedge.schema.json', SCHEMA)),
    file(SCHEMA, repository('config/qedge.schema.json')),
    ...['qedge.socket', 'qedge-admin.socket', 'qedge.service'].map((name) => file(`${UNITS}/${name}`, unit(name))),
    file('/usr/share/man/man1/qedge.1.gz', gzip(manualPages['qedge.1'])),
    file('/usr/share/man/man5/qedge.toml.5.gz', gzip(manualPages['qedge.toml.5'])),
    file('/usr/share/bash-completion/completions/qedge', repository('config/completion/qedge.bash')),
    file('/usr/share/zsh/vendor-completions/_qedge', repository('config/completion/_qedge')),
    file('/usr/share/fish/vendor_completions.d/qedge.fish', repository('config/completion/qedge.fish')),
    file(`${documentation}/copyright`, COPYRIGHT),
    file(`${documentation}/third-party-licences.gz`, gzip(licences)),
    file(`${documentation}/changelog.gz`, gzip(changelog(parts))),
    file('/usr/share/lintian/overrides/qedge', OVERRIDES),
  ];
}

const CONFIG = '/etc/qedge/qedge.toml';
const SCHEMA = '/usr/share/qedge/qedge.schema.json';
const UNITS = '/usr/lib/systemd/system';

/** As `qedge install` writes it, at the places of a package. Trials of new executables are those of `qedge update` alone. */
const unit = (name: string): string =>
  repository(`systemd/${name}`)
    .replaceAll('/usr/local/lib/qedge', '/usr/lib/qedge')
    .replace(/^(# While a new binary is on trial.*\n)?ExecStartPre=.*\n/m, '')
    .replace(/ `qedge install` writes .* of the configuration here\./, ' `systemctl edit` moves it.')
    .replace(/^Documentation=/m, 'Documentation=man:qedge(1) man:qedge.toml(5) ');

function controlEntries(parts: DebianPackage, data: readonly TarEntry[]): readonly TarEntry[] {
  const scripts = ['preinst', 'postinst', 'prerm', 'postrm'];
  return [
    file('/control', control(parts, data)),
    file('/conffiles', `${CONFIG}\n`),
    ...scripts.map((name) => file(`/${name}`, repository(`build/package/debian/${name}`), 0o755)),
  ];
}

function control({ arch, version, symbols }: DebianPackage, data: readonly TarEntry[]): string {
  const kilobytes = data.map((entry) => (entry.kind === 'file' ? Math.ceil(entry.content.length / 1024) : 1));
  return `Package: qedge
Version: ${debianVersion(version)}
Architecture: ${DEBIAN_ARCH[arch]}
Maintainer: ${MAINTAINER}
Installed-Size: ${kilobytes.reduce((sum, one) => sum + one, 0)}
Depends: ${dependencies(symbols)}
Section: net
Priority: optional
Description: QoS-aware load balancer for the edge, one on every node
 qedge learns from its own requests which instances of a service can answer
 in time from where it stands, and sends them the traffic. It needs no
 coordinator: it hears over MQTT where instances run, or reads it from a file.
`;
}

/** First version of the package libstdc++6 with each symbol version, from its own symbols file. */
const LIBSTDCXX: readonly (readonly [string, string])[] = [
  ['3.4.21', '5'],
  ['3.4.22', '6'],
  ['3.4.24', '7'],
  ['3.4.25', '8'],
  ['3.4.28', '9'],
];

function dependencies({ GLIBC, GLIBCXX }: DebianPackage['symbols']): string {
  const libstdcxx = LIBSTDCXX.find(([symbol]) => compare(symbol.split('.').map(Number), GLIBCXX) >= 0)?.[1];
  if (libstdcxx === undefined)
    throw new Error(`GLIBCXX_${GLIBCXX.join('.')}: no package of libstdc++6 is known to have it`);
  return [
    `libc6 (>= ${GLIBC.join('.')})`,
    'libgcc-s1',
    `libstdc++6 (>= ${libstdcxx})`,
    'passwd',
    'init-system-helpers (>= 1.51)',
  ].join(', ');
}

const compare = (a: readonly number[], b: readonly number[]): number => {
  const i = a.findIndex((part, at) => part !== b[at]);
  return i < 0 ? a.length - b.length : (a[i] ?? 0) - (b[i] ?? 0);
};

function changelog({ version, mtime }: Pick<DebianPackage, 'version' | 'mtime'>): string {
  const date = new Date(mtime * 1000).toUTCString().replace('GMT', '+0000');
  return `qedge (${debianVersion(version)}) unstable; urgency=medium\n\n  * See the project's own changelog.\n\n -- ${MAINTAINER}  ${date}\n`;
}

const COPYRIGHT = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: qedge

Files: *
Copyright: 2026 The qedge authors
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
Comment:
 The executable has Node.js and npm packages inside. Their licences are in
 /usr/share/doc/qedge/third-party-licences.gz.
`;

const OVERRIDES = `# Node.js is inside, as its project builds it: with its own libraries, and not position independent.
qedge: embedded-library *
qedge: hardening-no-pie *
# deb-systemd-invoke knows no hand-over to a new executable.
qedge: maintainer-script-calls-systemctl *
`;
