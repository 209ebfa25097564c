// What the command line as a whole says: its version, and where a mistake is.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { cli } from '../support/cli.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

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
    [['demo', '--duration', '0s'], 'qedge: --duration: expected more than 0, got 0s\n(qedge demo --help says how)\n'],
    [
      ['demo', '--duration', '31d'],
      'qedge: --duration: expected at most 24 days, got 31d\n(qedge demo --help says how)\n',
    ],
    [
      ['simulate', 'x.toml', '--load', '0'],
      'qedge: --load: expected a number above 0, at most 100, got 0\n(qedge simulate --help says how)\n',
    ],
    [
      ['demo', '--scene', 'sea'],
      'qedge: --scene: expected one of road, crossroads, got sea\n(qedge demo --help says how)\n',
    ],
    [
      ['completion', 'tcsh'],
      'qedge: shell: expected one of bash, zsh, fish, got tcsh\n(qedge completion --help says how)\n',
    ],
    [['check', 'a.toml'], 'qedge: expected -c a.toml, got a.toml\n(qedge check --help says how)\n'],
    [['help', 'stauts'], "qedge: unknown command 'stauts', did you mean status?\n(qedge --help says how)\n"],
    [['stauts', '--help'], "qedge: unknown command 'stauts', did you mean status?\n(qedge --help says how)\n"],
    [['fl', 'plna', '-h'], "qedge: unknown command 'plna', did you mean plan?\n(qedge fl --help says how)\n"],
    [['run', 'now'], 'qedge: expected 0 arguments, got 1: now\n(qedge run --help says how)\n'],
  ])('reports a mistake in one line, and where to read on: %j', async (argv, err) => {
    expect(await cli(...argv)).toEqual({ status: 64, out: '', err });
  });

  it('explains a command within a group, asked in either way', async () => {
    const { out } = await cli('fl', 'run', '--help');
    expect(out).toContain('Usage: qedge fl run [options] <task.toml>');
    expect(await cli('help', 'fl', 'run')).toEqual({ status: 0, out, err: '' });
  });

  it('groups its commands, and leaves out what is for programs alone', async () => {
    const { out } = await cli('--help');
    const groups = out.split('\n').filter((line) => /^\S.*:$/.test(line));
    expect(groups).toEqual([
      'Options:',
      'Run:',
      'Look inside:',
      'Compare policies:',
      'Plan:',
      'Install and update:',
      'More:',
    ]);
    expect(out).not.toContain('__complete');
    expect((await cli('update', '--help')).out).not.toContain('--guard');
  });
});
