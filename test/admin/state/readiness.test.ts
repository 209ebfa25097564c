import { describe, expect, it } from 'vitest';
import { readiness } from '../../../src/admin/state/readiness.ts';

const up = { listening: true, placementSynced: true, draining: false, absentWorkers: [] };

describe('readiness', () => {
  it('is given when listening and every service has an instance, synced or not', () => {
    const counts = new Map([['pilotnet', 2]]);
    expect(readiness({ ...up, placementSynced: false }, counts)).toEqual({
      ready: true,
      reasons: [],
      withoutInstance: [],
    });
  });

  it('is given without instances once placement is synced, and names the services that have none', () => {
    const counts = new Map([['pilotnet', 0]]);
    expect(readiness(up, counts)).toEqual({ ready: true, reasons: [], withoutInstance: ['pilotnet'] });
  });

  it('names every reason why not', () => {
    const now = { listening: false, placementSynced: false, draining: true, absentWorkers: [] };
    expect(readiness(now, new Map([['pilotnet', 0]]))).toEqual({
      ready: false,
      reasons: [
        'draining',
        'the proxy port is not listening yet',
        'service "pilotnet" has no instance yet and placement is not synced',
      ],
      withoutInstance: ['pilotnet'],
    });
  });
});
