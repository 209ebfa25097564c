// The service's own part in an update: it judges itself on trial, and records how its clients fare otherwise.

import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Probation } from '../../src/update/probation.ts';
import type { QosShares } from '../../src/update/qos-gate.ts';
import { currentTrial, guardStart, readVerdict } from '../../src/update/trial.ts';
import { UpdateRig } from '../support/update-rig.ts';

const MINUTE_MS = 60_000;

describe('a probation', () => {
  let rig: UpdateRig;
  let shares: QosShares = new Map();
  beforeEach(() => {
    rig = new UpdateRig();
  });
  afterEach(() => rig.close());

  const begin = () =>
    new Probation(
      {
        layout: rig.layout,
        stateDirectory: rig.stateDirectory,
        probationMs: MINUTE_MS,
        qosDropMax: 0.05,
        log: pino({ level: 'silent' }),
        shares: () => shares,
      },
      0,
    );

  /** A life of the service of that many seconds, with that share of satisfied clients. */
  function live(seconds: number, share: number | null): Probation {
    shares = share === null ? new Map() : new Map([['pilotnet', share]]);
    const probation = begin();
    for (let second = 1; second <= seconds && probation.state !== 'rejected'; second++) probation.tick(second * 1000);
    probation.stop((seconds + 1) * 1000);
    return probation;
  }

  it('accepts a new executable that serves its clients as well as the one before', () => {
    live(300, 0.95);
    rig.swap();
    expect(live(60, 0.93).state).toBe('accepted');
    expect(guardStart(rig.layout, rig.stateDirectory).kind).toBe('accepted');
  });

  it('sends a new executable home when fewer clients meet their QoS', () => {
    live(300, 0.95);
    rig.swap();
    expect(live(60, 0.8).state).toBe('rejected');
    const reason = 'pilotnet: 80.0 % of the clients met their QoS, 95.0 % before';
    expect(readVerdict(rig.stateDirectory)).toMatchObject({ outcome: 'rejected', reason });
    expect(guardStart(rig.layout, rig.stateDirectory)).toMatchObject({ kind: 'rolled-back', reason });
    expect(rig.inPlace()).toBe('old');
  });

  it('reports a new executable that could not take over from this one, and of no other', () => {
    const running = begin();
    running.recordNeverServed('no version was on trial');
    expect(readVerdict(rig.stateDirectory)).toBeNull();
    rig.swap();
    const trialId = currentTrial(rig.layout)?.id;
    begin().recordNeverServed('its own trial is not for it to end so');
    expect(readVerdict(rig.stateDirectory)).toBeNull();
    running.recordNeverServed('it ended');
    expect(readVerdict(rig.stateDirectory)).toEqual({ trialId, outcome: 'never-served', reason: 'it ended' });
  });

  it('accepts where there is nothing to compare: no record, or no clients', () => {
    rig.swap();
    expect(live(60, null).state).toBe('accepted');
  });

  it('gives no verdict before its time, so that a crash counts as one', () => {
    rig.swap();
    live(59, 0.1);
    expect(readVerdict(rig.stateDirectory)).toBeNull();
    expect(currentTrial(rig.layout)).not.toBeNull();
  });

  it('of a short run says little beside the record of the long one before', () => {
    live(300, 0.95);
    live(5, 0.2);
    rig.swap();
    expect(live(60, 0.8).state).toBe('rejected');
  });

  it('on trial does not touch the record that it is compared with', () => {
    live(300, 0.95);
    rig.swap();
    live(30, 0.1);
    expect(live(60, 0.1).state).toBe('rejected');
  });

  it('of a rejected executable does not become the record', () => {
    live(300, 0.95);
    rig.swap();
    live(60, 0.1);
    guardStart(rig.layout, rig.stateDirectory);
    rig.release('newer', { version: '3.0.0' });
    rig.swap();
    expect(live(60, 0.1).state).toBe('rejected');
  });
});
