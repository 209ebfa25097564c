// The native addons, compiled to load on glibc 2.31 and libstdc++ 3.4.28 (Ubuntu 20.04, JetPack 5): better-sqlite3's
// own prebuild asks for 2.34. Kept between builds by the hash of everything that goes in.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { CACHE, ROOT } from './paths.ts';
import type { Target } from './target.ts';

const NATIVE = join(import.meta.dirname, 'native');
const SQLITE = join(ROOT, 'node_modules/better-sqlite3');
/** The headers are the same for every architecture but for one file that addons do not read. */
const NODE = join(ROOT, `node_modules/node-linux-${process.arch}`);
const NODE_HEADERS = join(NODE, 'include/node');

/** One source and the flags that compile it. */
interface Unit {
  readonly source: string;
  readonly flags: readonly string[];
}

interface Addon {
  readonly name: string;
  readonly units: readonly Unit[];
  readonly linkFlags: readonly string[];
}

/** Asset name → path of each compiled addon. */
export function compileAddons(target: Target): Readonly<Record<string, string>> {
  return Object.fromEntries([sqliteAddon(), qedgeAddon()].map((addon) => [addon.name, compile(addon, target)]));
}

const SHARED = ['-fPIC', '-DNDEBUG', '-include', join(NATIVE, 'glibc.h')];
const HIDDEN = ['-fvisibility=hidden', '-fno-exceptions'];
const CXX = [...HIDDEN, '-std=c++20', '-fvisibility-inlines-hidden', '-fno-rtti'];

function qedgeAddon(): Addon {
  const flags = [...SHARED, ...HIDDEN, '-O2', '-Wall', '-Wextra', '-Werror', '-DNAPI_VERSION=8', `-I${NODE_HEADERS}`];
  return {
    name: 'qedge_native.node',
    units: [
      ...['addon.c', 'exit.c', 'memory.c', 'notify.c', 'socket.c'].map((name) => ({
        source: join(NATIVE, name),
        flags,
      })),
      // It reads V8's own headers, which warn.
      {
        source: join(NATIVE, 'tls.cc'),
        flags: [...SHARED, ...CXX, '-O2', '-w', '-DNAPI_VERSION=8', `-I${NODE_HEADERS}`],
      },
    ],
    linkFlags: ['-Wl,--as-needed'],
  };
}

/** After better-sqlite3's binding.gyp and deps/sqlite3.gyp. */
function sqliteAddon(): Addon {
  const include = ['-I', join(SQLITE, 'deps/sqlite3')];
  const napi = ['NAPI_VERSION=10', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'];
  const headers = ['-I', join(ROOT, 'node_modules/node-addon-api'), '-I', NODE_HEADERS];
  return {
    name: 'better_sqlite3.node',
    units: [
      {
        source: join(SQLITE, 'deps/sqlite3/sqlite3.c'),
        flags: [...SHARED, ...include, ...sqliteDefines(), '-O3', '-w'],
      },
      {
        source: join(SQLITE, 'src/better_sqlite3.cpp'),
        flags: [...SHARED, ...CXX, ...include, ...headers, ...napi.map((name) => `-D${name}`), '-O3', '-w'],
      },
      { source: join(NATIVE, 'glibc-stat.c'), flags: ['-fPIC', '-O2', '-Wall', '-Wextra', '-Werror'] },
      { source: join(NATIVE, 'glibcxx.cc'), flags: ['-fPIC', '-O2', '-Wall', '-Wextra', '-Werror'] },
    ],
    linkFlags: ['-Wl,-Bsymbolic', '-Wl,--exclude-libs,ALL', '-Wl,--as-needed'],
  };
}

/** The options that better-sqlite3 builds SQLite with, read where it keeps them. */
function sqliteDefines(): readonly string[] {
  const text = readFileSync(join(SQLITE, 'deps/defines.gypi'), 'utf8');
  const defines = [...text.matchAll(/^\s+'(\w+(?:=[^']+)?)',$/gm)].map((match) => `-D${match[1]}`);
  if (defines.length < 20) throw new Error('deps/defines.gypi of better-sqlite3 is not as expected');
  return defines;
}

function compile(addon: Addon, target: Target): string {
  const directory = join(CACHE, 'addons', target.arch, fingerprint(addon, target));
  const output = join(directory, addon.name);
  if (existsSync(output)) return output;
  mkdirSync(directory, { recursive: true });
  const objects = addon.units.map(({ source, flags }, i) => {
    const object = join(directory, `${i}.o`);
    run(compilerFor(source, target), [...flags, '-c', source, '-o', object]);
    return object;
  });
  // 16 KiB: the page of a Pi 5's kernel, and more than the 4 KiB that x64 linkers take for granted.
  const link = ['-shared', '-s', '-Wl,-z,max-page-size=65536', ...addon.linkFlags];
  run(`${target.toolPrefix}g++`, [...link, ...objects, '-o', `${output}.part`]);
  renameSync(`${output}.part`, output);
  return output;
}

const compilerFor = (source: string, target: Target): string =>
  `${target.toolPrefix}${source.endsWith('.c') ? 'gcc' : 'g++'}`;

function fingerprint(addon: Addon, target: Target): string {
  const hash = createHash('sha256').update(run(`${target.toolPrefix}g++`, ['--version']));
  hash.update(JSON.stringify(addon).replaceAll(ROOT, ''));
  for (const name of readdirSync(NATIVE).sort()) hash.update(readFileSync(join(NATIVE, name)));
  for (const directory of [SQLITE, NODE]) hash.update(readFileSync(join(directory, 'package.json')));
  hash.update(readFileSync(import.meta.filename));
  return hash.digest('hex').slice(0, 16);
}
