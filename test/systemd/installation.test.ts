// Install and uninstall on a directory that stands for the root of a device.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { imagePath, imageTarget } from '../../src/systemd/image-path.ts';
import { INSTALLED, installPlan } from '../../src/systemd/install-plan.ts';
import { install, installedUnits, uninstall } from '../../src/systemd/installation.ts';

const STEPS = installPlan([
  { name: 'proxy', host: '127.0.0.1', port: 8080 },
  { name: 'admin', host: '127.0.0.1', port: 9901 },
]);

describe('an installation', () => {
  let root = '';
  let lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  const at = (path: string) => join(root, path);
  const installHere = () => install(STEPS, { root, executable: at('program'), report });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'qedge-install-'));
    lines = [];
    writeFileSync(at('program'), 'the program');
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it('writes an executable, a commented config and the units', () => {
    installHere();
    expect(readFileSync(at(INSTALLED.command.replace('/usr/local/bin', '/usr/local/lib/qedge')), 'utf8')).toBe(
      'the program',
    );
    expect(statSync(at(INSTALLED.executable)).mode & 0o777).toBe(0o755);
    expect(readFileSync(at(INSTALLED.config), 'utf8')).toContain('[proxy]');
    expect(readdirSync(at(INSTALLED.units)).sort()).toEqual(['qedge-admin.socket', 'qedge.service', 'qedge.socket']);
  });

  it.each([0o000, 0o022, 0o027, 0o077])('has the modes that the service needs under umask %o', (mask) => {
    const before = process.umask(mask);
    onTestFinished(() => void process.umask(before));
    installHere();
    const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path !== 'program');
    for (const path of found.filter((one) => !lstatSync(at(one)).isSymbolicLink())) {
      const stat = statSync(at(path));
      const isProgram = stat.isDirectory() || path.endsWith('lib/qedge/qedge');
      expect([path, stat.mode & 0o777]).toEqual([path, isProgram ? 0o755 : 0o644]);
    }
  });

  it('stays inside of an image whose folders are links, and follows them there', () => {
    const outside = mkdtempSync(join(tmpdir(), 'qedge-outside-'));
    onTestFinished(() => rmSync(outside, { recursive: true }));
    symlinkSync('/data/etc', at('etc'));
    mkdirSync(at('data'));
    symlinkSync(`../../../..${outside}`, at('usr'));
    installHere();
    expect(readdirSync(outside)).toEqual([]);
    expect(existsSync(at(`data${INSTALLED.config}`))).toBe(true);
    expect(existsSync(at(`${outside}/local/lib/qedge/qedge`))).toBe(true);
    expect(uninstall({ root, report })).toBe(true);
    expect(existsSync(at(`data${INSTALLED.config}`))).toBe(false);
  });

  it('does not write through a link that lies where a file is made', () => {
    const outside = mkdtempSync(join(tmpdir(), 'qedge-outside-'));
    onTestFinished(() => rmSync(outside, { recursive: true }));
    for (const path of [INSTALLED.executable, INSTALLED.manifest, `${INSTALLED.units}/qedge.service`]) {
      mkdirSync(dirname(at(path)), { recursive: true });
      symlinkSync(join(outside, 'part'), at(`${path}.part`));
      symlinkSync(join(outside, 'file'), at(path));
    }
    installHere();
    expect(readdirSync(outside)).toEqual([]);
    expect(lstatSync(at(INSTALLED.executable)).isFile()).toBe(true);
  });

  it('is not held up by a pipe in place of its configuration, and keeps it', () => {
    mkdirSync(dirname(at(INSTALLED.config)), { recursive: true });
    execFileSync('mkfifo', [at(INSTALLED.config)]);
    installHere();
    expect(lines).toContain('kept /etc/qedge/qedge.toml');
  });

  it('reports a folder that an earlier umask closed to the service', () => {
    mkdirSync(at(INSTALLED.configDirectory), { recursive: true });
    chmodSync(at(INSTALLED.configDirectory), 0o700);
    installHere();
    expect(lines).toContain('kept /etc/qedge: mode 700 keeps the service out, chmod 755 lets it in');
  });

  it('judges a folder behind a link by the folder of the image', () => {
    mkdirSync(at('/srv/qedge'), { recursive: true });
    mkdirSync(dirname(at(INSTALLED.configDirectory)), { recursive: true });
    symlinkSync('/srv/qedge', at(INSTALLED.configDirectory));
    installHere();
    expect(lines).toContain('kept /etc/qedge');
    chmodSync(at('/srv/qedge'), 0o700);
    lines.length = 0;
    installHere();
    expect(lines).toContain('kept /etc/qedge: mode 700 keeps the service out, chmod 755 lets it in');
  });

  it('reads what a link of the image means there', () => {
    mkdirSync(at('etc'));
    symlinkSync('/data/qedge.toml', at('etc/qedge.toml'));
    expect(imageTarget(root, '/etc/qedge.toml')).toBe(at('data/qedge.toml'));
    expect(imagePath(root, '/etc/qedge.toml')).toBe(at('etc/qedge.toml'));
  });

  it('of an image whose links lead in a circle is refused', () => {
    symlinkSync('/etc', at('etc'));
    expect(installHere).toThrow(/too many links/);
  });

  it('keeps a configuration that is there', () => {
    mkdirSync(dirname(at(INSTALLED.config)), { recursive: true });
    writeFileSync(at(INSTALLED.config), 'mine');
    installHere();
    expect(readFileSync(at(INSTALLED.config), 'utf8')).toBe('mine');
    expect(lines).toContain('kept /etc/qedge/qedge.toml');
  });

  it('is removed without a trace', () => {
    installHere();
    expect(uninstall({ root, report })).toBe(true);
    const left = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
    expect(left.map(({ name }) => name)).toEqual(['program']);
    expect(existsSync(at(INSTALLED.directory))).toBe(false);
    expect(existsSync(at(INSTALLED.configDirectory))).toBe(false);
  });

  it('leaves changed files and foreign ones on removal, and says so', () => {
    installHere();
    writeFileSync(at(INSTALLED.config), 'mine now');
    uninstall({ root, report });
    expect(readFileSync(at(INSTALLED.config), 'utf8')).toBe('mine now');
    expect(lines).toContain('kept /etc/qedge/qedge.toml: changed since it was installed');
    expect(lines).toContain('kept /etc/qedge: not empty');
  });

  it('removes the executable of a later update and what the update left beside it', () => {
    installHere();
    writeFileSync(at(INSTALLED.executable), 'a newer program');
    writeFileSync(`${at(INSTALLED.executable)}.previous`, 'the program');
    uninstall({ root, report });
    expect(existsSync(at(INSTALLED.directory))).toBe(false);
  });

  it('installed twice is still removed whole', () => {
    installHere();
    installHere();
    uninstall({ root, report });
    expect(existsSync(at(INSTALLED.configDirectory))).toBe(false);
  });

  it('reports what changed, and removes the unit of a port that no service has any more', () => {
    const own = { name: 'detector', host: '127.0.0.1', port: 8090 };
    const ports = (port: number, more: readonly (typeof own)[]) =>
      installPlan([{ name: 'proxy', host: '127.0.0.1', port }, ...more]);
    const again = (steps: typeof STEPS) => install(steps, { root, executable: at('program'), report });
    const detector = '/etc/systemd/system/qedge-detector.socket';
    expect(again(ports(8080, [own]))).toContain(detector);
    expect(again(ports(8080, [own]))).toEqual([]);
    expect(again(ports(8081, []))).toEqual(['/etc/systemd/system/qedge.socket', '/etc/systemd/system/qedge.service']);
    expect(existsSync(at(detector))).toBe(false);
    expect(lines).toContain(`removed ${detector}`);
    expect(installedUnits(root)).toEqual(['/etc/systemd/system/qedge.socket', '/etc/systemd/system/qedge.service']);
  });

  it('is repeated where its record was cut off', () => {
    installHere();
    writeFileSync(at(INSTALLED.manifest), '');
    expect(installedUnits(root)).toEqual([]);
    installHere();
    expect(installedUnits(root)).toHaveLength(3);
  });

  it('has nothing to remove where nothing was installed', () => {
    expect(uninstall({ root, report })).toBe(false);
  });
});
