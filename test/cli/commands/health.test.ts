import { createServer } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startAdmin } from '../../support/admin.ts';
import { cli } from '../../support/cli.ts';
import { listening } from '../../support/listening.ts';
import { routerStateOf } from '../../support/router-state.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('qedge health', () => {
  it('exits 0 where qedge is ready, and names the services that have no instance', async () => {
    const ready = await startAdmin([]);
    expect(await cli('health', '--url', ready.url)).toEqual({ status: 0, out: 'ready\n', err: '' });
    const empty = await startAdmin([routerStateOf()]);
    const { status, out } = await cli('health', '--url', empty.url);
    expect({ status, out }).toEqual({ status: 0, out: 'ready, without an instance of pilotnet\n' });
  });

  it('exits 1 where it is not ready, and 0 with --live', async () => {
    const lifecycle = () => ({ listening: true, placementSynced: true, draining: true, absentWorkers: [] });
    const { url } = await startAdmin([], { lifecycle });
    expect(await cli('health', '--url', url)).toEqual({
      status: 1,
      out: '',
      err: `qedge: ${url}: not ready: draining\n`,
    });
    expect(await cli('health', '--live', '--url', url)).toEqual({ status: 0, out: 'live\n', err: '' });
  });

  it('exits 1 where nothing answers, or not in time', async () => {
    const refused = await cli('health', '--url', 'http://127.0.0.1:1');
    const which = '(-c or --url say which one to ask)';
    const err = `qedge: no qedge answers at http://127.0.0.1:1: connection refused ${which}\n`;
    expect(refused).toEqual({ status: 1, out: '', err });
    const silent = createServer();
    onTestFinished(() => void silent.close());
    const url = `http://127.0.0.1:${await listening(silent)}`;
    const late = await cli('health', '--timeout', '50ms', '--url', url);
    expect(late).toMatchObject({ status: 1, err: `qedge: no qedge answers at ${url}: no answer in time ${which}\n` });
  });
});
