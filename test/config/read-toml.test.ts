// A person's file in, a typed value or every mistake with its place out.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { openToml, sortByPlace } from '../../src/config/read-toml.ts';
import { validate } from '../../src/config/validate.ts';
import { ConfigError, type Problem } from '../../src/errors.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-toml-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const schema = z.strictObject({
  name: z.string(),
  count: z.int().min(3).optional(),
  mode: z.enum(['fast', 'slow']).optional(),
  urls: z.union([z.string(), z.array(z.string())], { error: 'expected a URL or a list of them' }).optional(),
  password: z.string().min(8).optional(),
  limits: z.strictObject({ latency: z.string(), success: z.number().optional() }).optional(),
  item: z.array(z.strictObject({ id: z.string(), tags: z.record(z.string(), z.string()).optional() })).optional(),
  health: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('tcp') }),
      z.strictObject({ kind: z.literal('http'), path: z.string() }),
    ])
    .optional(),
});

function read(text: string | Uint8Array, env: Record<string, string> = {}): z.output<typeof schema> {
  const file = join(directory, 'qedge.toml');
  writeFileSync(file, text);
  const reading = openToml(file, { env });
  const value = validate(reading, schema, []);
  if (value === undefined || reading.problems.length > 0) throw new ConfigError(sortByPlace(reading.problems));
  return value;
}

function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const messageOf = (text: string | Uint8Array, env: Record<string, string> = {}): string => {
  try {
    read(text, env);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

describe('a file that is read', () => {
  it('reads what a reference to a file leads to where that file is said to be', () => {
    writeFileSync(join(directory, 'secret'), 'of the image\n');
    const file = join(directory, 'image.toml');
    writeFileSync(file, 'name = "${file:/etc/secret}"');
    const { document } = openToml(file, { fileAt: (path) => path.replace('/etc', directory) });
    expect(document.root.name).toBe('of the image');
  });

  it('returns the values of a good file', () => {
    const text =
      'name = "a"\nlimits.latency = "80ms"\n[[item]]\nid = "x"\ntags = { zone = "north" }\n[[item]]\nid = "y"\n';
    expect(read(text)).toEqual({
      name: 'a',
      limits: { latency: '80ms' },
      item: [{ id: 'x', tags: { zone: 'north' } }, { id: 'y' }],
    });
  });

  it('reports every problem at once, in the order of the file', () => {
    const text = 'count = 1\nmode = "medium"\n[limits]\n  latency = 80\n[[item]]\n[[item]]\nid = 5\n';
    expect(messageOf(text).split('\n')).toEqual([
      'qedge.toml:1:1: name: missing, expected a string',
      'qedge.toml:1:1: count: expected at least 3, got 1',
      'qedge.toml:2:1: mode: expected "fast" or "slow", got "medium"',
      'qedge.toml:4:3: limits.latency: expected a string, got 80',
      'qedge.toml:5:1: item.id: missing, expected a string',
      'qedge.toml:7:1: item.id: expected a string, got 5',
    ]);
  });

  it('takes an unknown key for an error and suggests the nearest known one', () => {
    const text = 'name = "a"\nmoed = "fast"\nlimits = { latency = "1s", sucess = 0.9 }\n[[item]]\nid = "x"\nzzz = 1\n';
    expect(messageOf(text).split('\n')).toEqual([
      'qedge.toml:2:1: moed: unknown key "moed", did you mean "mode"?',
      'qedge.toml:3:28: limits.sucess: unknown key "sucess", did you mean "success"?',
      'qedge.toml:6:1: item.zzz: unknown key "zzz"',
    ]);
  });

  it('explains a union by the branch that was meant', () => {
    expect(messageOf('name = "a"\nurls = 5\n')).toBe('qedge.toml:2:1: urls: expected a URL or a list of them, got 5');
    expect(messageOf('name = "a"\nurls = [\n  "x",\n  5,\n]\n')).toBe('qedge.toml:4:3: urls: expected a string, got 5');
    expect(messageOf('name = "a"\nhealth = { kind = "udp" }\n')).toBe(
      'qedge.toml:2:12: health.kind: expected "tcp" or "http", got "udp"',
    );
    expect(messageOf('name = "a"\nhealth = { kind = "http", pth = "/" }\n')).toContain('did you mean "path"?');
  });

  it('places syntax errors and duplicate keys', () => {
    expect(messageOf('name = "a"\nname = "b"\n')).toBe('qedge.toml:2:1: key "name" defined twice');
    expect(messageOf('"na me" = "a"\n"na me" = "b"\n')).toBe('qedge.toml:2:1: key "na me" defined twice');
    expect(messageOf('name = "a"\n[limits]\n[limits]\n')).toBe('qedge.toml:3:2: key "limits" defined twice');
    expect(messageOf('name = \n')).toBe('qedge.toml:1:7: key without a value');
    expect(messageOf('name = "a\n')).toMatch(/^qedge\.toml:1:\d+: not valid TOML: /);
  });

  it.each([
    ['table', (dots: string) => `[${dots}b]\n`],
    ['key', (dots: string) => `${dots}b = 1\n`],
    ['key in an inline table', (dots: string) => `a = { ${dots}b = 1 }\n`],
  ])('refuses a %s of many parts before it costs the square of them', (_, textOf) => {
    const before = process.memoryUsage().rss;
    expect(messageOf(textOf('a.'.repeat(20_000)))).toContain('nested deeper than 32 levels');
    // Each path of each level written down: 0.8 GB.
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
  });

  it('names a file that is missing, a directory or not text', () => {
    expect(problemsOf(() => openToml(join(directory, 'absent.toml'), {}))[0]?.message).toContain('no such file');
    expect(problemsOf(() => openToml(directory, {}))[0]?.message).toContain('is a directory');
    expect(problemsOf(() => openToml('/', {}))[0]).toMatchObject({ file: '/', message: 'is a directory: /' });
    expect(problemsOf(() => openToml('', {}))[0]).toMatchObject({ file: '""', message: 'no name of a file' });
    expect(messageOf(Uint8Array.of(0x61, 0xff, 0xfe))).toBe('qedge.toml: not valid UTF-8');
  });

  it('takes a key named like a part of the language for a key like any other', () => {
    expect(messageOf('name = "a"\n__proto__ = 1\nconstructor = 2\n').split('\n')).toEqual([
      'qedge.toml:2:1: __proto__: unknown key "__proto__"',
      'qedge.toml:3:1: constructor: unknown key "constructor"',
    ]);
  });
});

describe('interpolation', () => {
  it('fills in environment variables and files, less the line end of a file', () => {
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'from a file\n');
    expect(read(`name = "\${env:WHO}-\${file:${secret}}"\n`, { WHO: 'me' }).name).toBe('me-from a file');
  });

  it('leaves a doubled dollar alone', () => {
    expect(read('name = "$${env:WHO}"\n').name).toBe('${env:WHO}');
  });

  it('places what cannot be filled in', () => {
    expect(messageOf('name = "${env:ABSENT}"\n[[item]]\nid = "${file:/nonexistent/x}"\n').split('\n')).toEqual([
      'qedge.toml:1:1: name: environment variable ABSENT is not set',
      'qedge.toml:3:1: item.id: cannot read file /nonexistent/x (ENOENT)',
    ]);
  });

  it('shows the reference and never the secret', () => {
    const message = messageOf('name = "a"\nmode = "${env:TOKEN}"\n', { TOKEN: 'hunter2' });
    expect(message).toBe('qedge.toml:2:1: mode: expected "fast" or "slow", got "${env:TOKEN}"');
  });

  it('never repeats what is written under a secret key or inside a URL', () => {
    expect(messageOf('name = "a"\npassword = "hunter2"\n')).not.toContain('hunter2');
    for (const password of ['hunter2', 'hunter@2', 'hun/ter2', '@/hunter2']) {
      expect(messageOf(`name = "a"\nmode = "mqtt://me:${password}@broker"\n`)).toMatch(/got "mqtt:\/\/…@broker"$/);
    }
  });
});
