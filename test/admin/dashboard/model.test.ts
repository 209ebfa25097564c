import { describe, expect, it } from 'vitest';
import { Model } from '../../../src/admin/dashboard/model.ts';
import type { EventDocument, StateDocument } from '../../../src/admin/state/state.ts';
import { routerStateOf } from '../../support/router-state.ts';

/** A picture of a process that has been up for so long, at a moment of its wall clock. */
function pictureAt(timeMs: number, process: { readonly pid: number; readonly uptimeMs: number }): StateDocument {
  const picture = {
    time: new Date(timeMs).toISOString(),
    services: [routerStateOf()],
    node: { process: { ...process, startedMs: timeMs - process.uptimeMs } },
  };
  return picture as unknown as StateDocument;
}

const eventAt = (timeMs: number, sequence: number): EventDocument => ({
  sequence,
  time: new Date(timeMs).toISOString(),
  service: null,
  kind: 'lifecycle',
  subject: null,
  message: 'reloaded',
  severity: 'info',
});

const HOUR_MS = 3_600_000;

describe('the model of the page', () => {
  it('shows each event once, and goes on drawing, when the clock of the node is set back', () => {
    const model = new Model();
    model.takeState(pictureAt(10 * HOUR_MS, { pid: 7, uptimeMs: 5_000 }));
    model.takeEvents([eventAt(10 * HOUR_MS, 1)]);
    expect(model.takeState(pictureAt(9 * HOUR_MS, { pid: 7, uptimeMs: 6_000 }))).toBe(true);
    model.takeEvents([eventAt(9 * HOUR_MS, 1)]);
    expect(model.events.map(({ time }) => time)).toEqual([new Date(9 * HOUR_MS).toISOString()]);
    expect(model.series('pilotnet').samples.map(({ timeMs }) => timeMs)).toEqual([9 * HOUR_MS]);
    expect(model.series('pilotnet').loaded).toBe(false);
  });

  it('keeps the events of a process that another one succeeds', () => {
    const model = new Model();
    model.takeState(pictureAt(HOUR_MS, { pid: 7, uptimeMs: 5_000 }));
    model.takeEvents([eventAt(HOUR_MS, 1)]);
    expect(model.takeState(pictureAt(HOUR_MS + 9_000, { pid: 8, uptimeMs: 2_000 }))).toBe(true);
    model.takeEvents([eventAt(HOUR_MS + 7_000, 1)]);
    expect(model.events.map(({ time }) => Date.parse(time))).toEqual([HOUR_MS + 7_000, HOUR_MS]);
    expect(model.series('pilotnet').samples).toHaveLength(3);
  });

  it('lists the newest event first, whichever came first', () => {
    const model = new Model();
    model.takeEvents([eventAt(3_000, 3)]);
    model.takeEvents([eventAt(1_000, 1), eventAt(3_000, 2), eventAt(3_000, 3)]);
    expect(model.events.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
  });
});
