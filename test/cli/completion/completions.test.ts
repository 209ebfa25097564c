import { afterEach, describe, expect, it, vi } from 'vitest';
import { startAdmin } from '../../support/admin.ts';
import { cli } from '../../support/cli.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** The words alone, without what they mean. */
async function complete(...words: string[]): Promise<readonly string[]> {
  const { status, out, err } = await cli('__complete', '--', ...words);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  return out.split('\n').flatMap((line) => line.split('\t')[0] || []);
}

describe('completion', () => {
  it.each([
    [['st'], ['status']],
    [
      ['decisions', ''],
      ['record', 'replay', 'help'],
    ],
    [
      ['update', '--'],
      ['--config', '--signature', '--allow-downgrade', '--retry', '--no-restart', '--no-wait', '--help'],
    ],
    [['policies', '--json', '--'], ['--help']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['policies', 'rou'], ['round-robin']],
    [['simulate', '--policy', 'rou'], ['round-robin']],
    [['simulate', '--policy=rou'], ['--policy=round-robin']],
    [['run', '-c', ''], [':files']],
    [['run', '--config=a'], [':files']],
    [['install', '--root', ''], [':directories']],
    [['fl', 'run', ''], [':files']],
    [['fl', 'plan', ''], [':files']],
    [['simulate', ''], [':files']],
    [['plan', 'placement', '--from', ''], [':files']],
    [['run', '--', '--'], []],
    [['help', 'st'], ['status']],
    [
      ['help', 'decisions', 're'],
      ['record', 'replay'],
    ],
    [['demo', '--clients', ''], []],
    [['nonsense', ''], []],
  ])('knows what follows %j', async (words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });

  it('knows no command that is for programs alone', async () => {
    expect(await complete('')).not.toContain('__complete');
  });

  it('names what the running qedge knows: services, instances and clients', async () => {
    const { url } = await startAdmin([
      routerStateOf({ service: 'pilotnet', instances: [instanceStateOf('near')] }),
      routerStateOf({ service: 'detector', instances: [], clients: [] }),
    ]);
    expect(await complete('explain', '--url', url, '')).toEqual(['pilotnet', 'detector']);
    expect(await complete('decisions', 'record', `--url=${url}`, 'd')).toEqual(['detector']);
    expect(await complete('explain', 'pilotnet', '--url', url, '--client', '')).toEqual(['camera-1']);
    expect(await complete('status', '--url', url, 'pilotnet', 'n')).toEqual(['near/a']);
  });

  it('says nothing where no qedge runs, and nothing of a configuration with mistakes', async () => {
    expect(await complete('explain', '--url', 'http://127.0.0.1:1', '')).toEqual([]);
    expect(await complete('explain', '-c', '/dev/null', '')).toEqual([]);
  });
});
