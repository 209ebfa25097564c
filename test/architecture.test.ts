// Who may import whom: the plan of the house, held by a test.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

/** Top-level part of src (`core`, `proxy`, `app`, …) → parts it may import, besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  main: ['cli', 'errors'],
  cli: [
    'app',
    'admin',
    'config',
    'core',
    'placement',
    'sim',
    'store',
    'telemetry',
    'errors',
    'demo',
    'update',
    'sea',
    'systemd',
    'terminal',
  ],
  app: [
    'proxy',
    'placement',
    'probe',
    'store',
    'admin',
    'core',
    'config',
    'net',
    'telemetry',
    'errors',
    'sea',
    'systemd',
    'update',
  ],
  demo: ['app', 'config', 'core', 'telemetry', 'errors', 'terminal', 'packages'],
  update: ['config', 'errors', 'telemetry', 'sea'],
  proxy: ['core', 'config', 'net', 'telemetry', 'errors', 'packages'],
  placement: ['core', 'config', 'net', 'telemetry', 'errors', 'packages'],
  probe: ['core', 'config', 'net', 'telemetry', 'errors'],
  store: ['core', 'config', 'telemetry', 'errors', 'sea'],
  admin: ['core', 'config', 'telemetry', 'errors', 'sea'],
  sim: ['core', 'errors', 'terminal'],
  config: ['core', 'net', 'errors'],
  net: [],
  telemetry: ['net', 'packages', 'terminal'],
  packages: [],
  errors: [],
  sea: ['errors'],
  terminal: [],
  systemd: ['telemetry', 'errors', 'sea'],
  core: [],
};

/** Imports that carry types alone: the commands know the shape of what the admin port answers, never its code. */
const TYPES_ONLY: readonly (readonly [string, string])[] = [['cli', 'admin']];

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const imports: readonly Import[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('admin/dashboard/'))
  .flatMap((name) => {
    const text = readFileSync(join(SRC, name), 'utf8');
    return [...text.matchAll(/(?:^|\n)(?:import|export)\s+(type\s+)?(?:[^'";]*?from\s+)?'([^']+)'/g)].map((match) => ({
      file: name,
      specifier: match[2] ?? '',
      typeOnly: match[1] !== undefined,
    }));
  });

const partOf = (path: string): string => (path.split('/')[0] ?? '').replace(/\.ts$/, '');

describe('the house', () => {
  it('imports only along the plan', () => {
    const wrong = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ file, specifier, typeOnly }) => {
        const target = relative(SRC, resolve(SRC, dirname(file), specifier));
        return { file, from: partOf(file), to: partOf(target), typeOnly };
      })
      .filter(({ from, to }) => from !== to && !ALLOWED[from]?.includes(to));
    expect(wrong).toEqual([]);
  });

  it('takes only types from where only types are allowed', () => {
    const wrong = imports.filter(({ file, specifier, typeOnly }) =>
      TYPES_ONLY.some(
        ([from, to]) =>
          partOf(file) === from && partOf(relative(SRC, resolve(SRC, dirname(file), specifier))) === to && !typeOnly,
      ),
    );
    expect(wrong).toEqual([]);
  });

  it.each(['core', 'sim'])('keeps %s free of node, libraries, clocks and ambient randomness', (part) => {
    const outside = imports.filter(({ file, specifier }) => partOf(file) === part && !specifier.startsWith('.'));
    expect(outside).toEqual([]);
    const ambient =
      /\bDate\b|\bperformance\b|Math\.random|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\b\.|\bimport\(/;
    const impure = readdirSync(join(SRC, part), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) =>
        readFileSync(join(SRC, part, name), 'utf8')
          .split('\n')
          .map((line, i) => ({ at: `${part}/${name}:${i + 1}`, line: line.replace(/\/\/.*|^\s*\*.*/, '') }))
          .filter(({ line }) => ambient.test(line)),
      );
    expect(impure).toEqual([]);
  });
});
