// What a test file needs besides Node and npm. A file says so in its first lines, as `// requires: mosquitto, openssl`.
// A file whose needs are not met is not collected, and one loud line says which and how to get them; with
// QEDGE_REQUIRE_ALL=1 (continuous integration) a missing need stops the run instead.

import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

interface Need {
  readonly present: () => boolean;
  readonly get: string;
}

const NEEDS: Readonly<Record<string, Need>> = {
  mosquitto: program('mosquitto'),
  openssl: program('openssl'),
  chromium: program('chromium'),
  curl: program('curl'),
  zsh: program('zsh'),
  lintian: program('lintian'),
  dpkg: program('dpkg'),
  mandoc: program('mandoc'),
  man: program('man', 'man-db'),
  ffmpeg: program('ffmpeg'),
  'python3-requests': pythonModule('requests'),
  'python3-aiohttp': pythonModule('aiohttp'),
  'python3-grpcio': pythonModule('grpc', 'python3-grpcio'),
  libcurl: { present: () => findProgram('curl-config') !== null, get: 'libcurl4-openssl-dev' },
  root: { present: () => process.getuid?.() === 0, get: 'sudo' },
  fish: program('fish'),
  varnishtest: program('varnishtest', 'varnish'),
  dnsmasq: program('dnsmasq', 'dnsmasq-base'),
  promtool: program('promtool', 'prometheus'),
  'systemd-analyze': program('systemd-analyze', 'systemd'),
  'systemd-socket-activate': program('systemd-socket-activate', 'systemd'),
  'qemu-aarch64-static': program('qemu-aarch64-static', 'qemu-user-static'),
  'binary-x64': built('dist/qedge-linux-x64'),
  'binary-arm64': built('dist/qedge-linux-arm64'),
};

/** Path of a program on PATH or in the system's administrator folders, or null. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here; the next folder may have it.
    }
  }
  return null;
}

/** Path of a program that the test file has named in its `requires` line. Throws when it is not there. */
export function requireProgram(name: string): string {
  const path = findProgram(name);
  if (path === null) throw new Error(`${name} not found; name it in the file's "requires" line`);
  return path;
}

export interface LeftOut {
  /** Relative to the repository root. */
  readonly file: string;
  readonly missing: readonly string[];
}

/** Test files whose needs are not met on this machine. Throws for a need that is not defined. */
export function leftOutFiles(root = ROOT): readonly LeftOut[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => ({ file: `test/${name}`, missing: missingFor(join(root, 'test', name)) }))
    .filter(({ missing }) => missing.length > 0);
}

/** The needs that a file names in its first lines. */
export function needsOf(text: string): readonly string[] {
  const head = text.split('\n', 20).join('\n');
  const line = /^\/\/ requires: (.+)$/m.exec(head)?.[1];
  return line === undefined ? [] : line.split(',').map((name) => name.trim());
}

/** One line for people: what is left out and how to get it; null when nothing is. */
export function leftOutNotice(leftOut: readonly LeftOut[]): string | null {
  if (leftOut.length === 0) return null;
  const how = [...new Set(leftOut.flatMap(({ missing }) => missing.map((name) => NEEDS[name]?.get ?? '')))];
  const packages = how.filter((get) => !get.startsWith('npm ')).sort();
  const commands = [
    ...(packages.length > 0 ? [`apt-get install -y ${packages.join(' ')}`] : []),
    ...how.filter((get) => get.startsWith('npm ')),
  ];
  const files = leftOut.map(({ file }) => file.replace(/^test\//, '')).join(', ');
  return `LEFT OUT: ${leftOut.length} test file(s) that need more than Node: ${files}. To run them too: ${commands.join(' && ')}`;
}

function missingFor(path: string): readonly string[] {
  return needsOf(readFileSync(path, 'utf8')).filter((name) => {
    const need = NEEDS[name];
    if (need === undefined) throw new Error(`${path}: unknown requirement "${name}" (see test/support/requires.ts)`);
    return !need.present();
  });
}

function program(name: string, debianPackage = name): Need {
  return { present: () => findProgram(name) !== null, get: debianPackage };
}

/** Of Debian's own Python. */
function pythonModule(name: string, debianPackage = `python3-${name}`): Need {
  return { present: () => existsSync(`/usr/lib/python3/dist-packages/${name}`), get: debianPackage };
}

function built(path: string): Need {
  return { present: () => existsSync(join(ROOT, path)), get: 'npm run build' };
}
