// What the command line as a whole says: its version, and where a mistake is.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../src/cli/program.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Exit status and what went to each stream. */
async function cli(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    texts.out += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    texts.err += String(chunk);
    return true;
  });
  const status = await runCli(argv);
  return { status, ...texts };
}

describe('the command line', () => {
  it.each(['--version', '-V'])('says its version when asked with %s', async (option) => {
    expect(await cli(option)).toEqual({ status: 0, out: 'qedge 0.1.0-source (source)\n', err: '' });
  });

  it.each([
    [['stauts'], "qedge: unknown command 'stauts', did you mean status?\n(qedge --help says how)\n"],
    [['run', '--confg', 'x'], "qedge: unknown option '--confg', did you mean --config?\n(qedge run --help says how)\n"],
    [
      ['demo', '--duration', 'soon'],
      'qedge: --duration: expected a duration such as 30s, got soon\n(qedge demo --help says how)\n',
    ],
    [
      ['simulate', 'x.toml', '--load', '0'],
      'qedge: --load: expected a number above 0, at most 100, got 0\n(qedge simulate --help says how)\n',
    ],
  ])('tells a mistake in one line, and where to read on: %j', async (argv, err) => {
    expect(await cli(...argv)).toEqual({ status: 64, out: '', err });
  });
});
