// The Debian package around a stand-in for the executable, as dpkg and lintian see it.
// requires: dpkg, lintian, root

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { XZ } from '../../../build/package/deb.ts';
import { type DebianPackage, debianPackage } from '../../../build/package/debian.ts';

vi.setConfig({ testTimeout: 120_000 });

const PARTS: DebianPackage = {
  arch: 'x64',
  // A program of the system: lintian looks into what it takes for one.
  executable: readFileSync('/bin/true'),
  version: '0.2.0-rc.1',
  symbols: { GLIBC: [2, 34], GLIBCXX: [3, 4, 21] },
  manualPages: {
    'qedge.1': '.TH QEDGE 1\n.SH NAME\nqedge \\- load balancer\n',
    'qedge.toml.5': '.TH QEDGE.TOML 5\n.SH NAME\nqedge.toml \\- configuration of qedge\n',
  },
  licences: 'licences',
  mtime: 1_790_000_000,
};

describe('the Debian package', () => {
  let directory = '';
  let first = '';
  let second = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-deb-'));
    first = write(PARTS);
    second = write({ ...PARTS, version: '0.2.0' });
    return () => rmSync(directory, { recursive: true });
  });

  function write(parts: DebianPackage): string {
    const path = join(directory, `qedge_${parts.version}_amd64.deb`);
    writeFileSync(path, debianPackage(parts, XZ));
    return path;
  }

  function run(command: string, ...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  }

  it('is the same, byte for byte, when it is made again', () => {
    expect(debianPackage(PARTS, XZ).equals(readFileSync(first))).toBe(true);
  });

  it('says what it is, what it needs, and which file is the user’s', () => {
    const info = run('dpkg-deb', '--info', first);
    expect(info).toContain(' Version: 0.2.0~rc.1\n Architecture: amd64\n');
    expect(info).toContain(
      ' Depends: libc6 (>= 2.34), libgcc-s1, libstdc++6 (>= 5), passwd, init-system-helpers (>= 1.51)\n',
    );
    expect(run('dpkg-deb', '--info', first, 'conffiles')).toBe('/etc/qedge/qedge.toml\n');
    const contents = run('dpkg-deb', '--contents', first);
    expect(contents).toMatch(/^-rwxr-xr-x root\/root .* \.\/usr\/lib\/qedge\/qedge$/m);
    expect(contents).toContain('./usr/bin/qedge -> ../lib/qedge/qedge\n');
    expect(contents).toContain('./usr/share/man/man5/qedge.toml.5.gz\n');
  });

  it('names no place in its units that it does not have', () => {
    const unpacked = join(directory, 'unpacked');
    run('dpkg-deb', '--extract', first, unpacked);
    const unit = readFileSync(join(unpacked, 'usr/lib/systemd/system/qedge.service'), 'utf8');
    expect(unit).toContain('ExecStart=/usr/lib/qedge/qedge run -c /etc/qedge/qedge.toml\n');
    expect(unit).not.toMatch(/usr\/local|\.trial|\.previous/);
  });

  it('is installed, upgraded and removed without a trace but the configuration, and purged without any', () => {
    const root = join(directory, 'root');
    for (const path of ['etc', 'var/lib/dpkg/info', 'var/lib/dpkg/updates', 'tmp'])
      mkdirSync(join(root, path), { recursive: true });
    for (const name of ['status', 'available']) writeFileSync(join(root, 'var/lib/dpkg', name), '');
    for (const name of ['passwd', 'group', 'shadow', 'gshadow']) writeFileSync(join(root, 'etc', name), '');
    // Its scripts run with this machine's programs on that root (DPKG_ROOT).
    const dpkg = (...args: readonly string[]): void => {
      const forced = ['--force-script-chrootless', '--force-depends', '--force-confold'];
      const { status, stderr } = spawnSync('dpkg', [`--root=${root}`, ...forced, ...args], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
    };
    const before = filesUnder(root);

    dpkg('--install', first);
    const wants = (target: string, name: string): string =>
      readlinkSync(join(root, `etc/systemd/system/${target}.target.wants/${name}`));
    expect(wants('multi-user', 'qedge.service')).toBe('/usr/lib/systemd/system/qedge.service');
    expect(wants('sockets', 'qedge.socket')).toBe('/usr/lib/systemd/system/qedge.socket');
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(/^qedge:.*:\/nonexistent:\/usr\/sbin\/nologin\n$/);
    expect(readFileSync(join(root, 'etc/group'), 'utf8')).toMatch(/^qedge:/);

    const config = join(root, 'etc/qedge/qedge.toml');
    appendFileSync(config, '# mine\n');
    dpkg('--install', second);
    expect(readFileSync(config, 'utf8')).toMatch(/# mine\n$/);
    mkdirSync(join(root, 'var/lib/private/qedge'), { recursive: true });
    writeFileSync(join(root, 'var/lib/private/qedge/qedge.db'), 'learned');

    dpkg('--remove', 'qedge');
    expect(filesUnder(root).filter((path) => path.startsWith('usr') || path.startsWith('etc/qedge'))).toEqual([
      'etc/qedge/qedge.toml',
    ]);
    expect(existsSync(join(root, 'var/lib/private/qedge/qedge.db'))).toBe(true);

    dpkg('--purge', 'qedge');
    expect(filesUnder(root)).toEqual(before);
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toBe('');
  });

  it('has no error for lintian', () => {
    const out = run(
      'lintian',
      '--no-cfg',
      '--allow-root',
      '--fail-on',
      'error',
      '--suppress-tags',
      'unused-override,mismatched-override',
      second,
    );
    expect(out.split('\n').filter((line) => line !== '')).toEqual([]);
  });
});

/** Without dpkg's own books, and the copies that passwd(1) keeps. */
function filesUnder(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !lstatSync(join(root, path)).isDirectory())
    .filter((path) => !/^var\/(lib\/dpkg|log)\/|^etc\/(passwd|group|shadow|gshadow)-$|^etc\/.*\.lock$/.test(path))
    .sort();
}
