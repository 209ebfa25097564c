// Which version starts next: counted, accepted, rolled back.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentTrial, guardStart, readRejection, TRIAL_STARTS_MAX, writeVerdict } from '../../src/update/trial.ts';
import { UpdateRig } from '../support/update-rig.ts';

describe('the guard of a trial', () => {
  let rig: UpdateRig;
  const guard = () => guardStart(rig.layout, rig.stateDirectory);
  const trialId = () => currentTrial(rig.layout)?.id ?? '';
  beforeEach(() => {
    rig = new UpdateRig();
    rig.swap();
  });
  afterEach(() => rig.close());

  it('has nothing to do when nothing is on trial', () => {
    const other = new UpdateRig();
    expect(guardStart(other.layout, null)).toEqual({ kind: 'no-trial' });
    other.close();
  });

  it('sends home what does not last through its starts', () => {
    for (let start = 1; start <= TRIAL_STARTS_MAX; start++) {
      expect(guard()).toMatchObject({ kind: 'counted', trial: { starts: start } });
      expect(rig.inPlace()).toBe('new');
    }
    expect(guard()).toMatchObject({ kind: 'rolled-back', reason: 'it was started 2 times and did not last' });
    expect(rig.inPlace()).toBe('old');
    expect(readRejection(rig.layout)).toMatchObject({ version: '2.0.0' });
    expect(guard()).toEqual({ kind: 'no-trial' });
  });

  it('sends home at once what found itself worse', () => {
    guard();
    writeVerdict(rig.stateDirectory, { trialId: trialId(), outcome: 'rejected', reason: 'pilotnet: 60 %' });
    expect(guard()).toMatchObject({ kind: 'rolled-back', reason: 'pilotnet: 60 %' });
    expect(rig.inPlace()).toBe('old');
  });

  it('sends home what could not take over from the one that serves', () => {
    writeVerdict(rig.stateDirectory, { trialId: trialId(), outcome: 'never-served', reason: 'it ended' });
    expect(guard()).toMatchObject({ kind: 'rolled-back', reason: 'it ended' });
    expect(rig.inPlace()).toBe('old');
  });

  it('keeps what was accepted, for good', () => {
    guard();
    writeVerdict(rig.stateDirectory, { trialId: trialId(), outcome: 'accepted', reason: '' });
    expect(guard().kind).toBe('accepted');
    expect(guard().kind).toBe('no-trial');
    expect(rig.inPlace()).toBe('new');
    expect(existsSync(rig.layout.previous)).toBe(true);
  });

  it('goes on after a boot that numbers the disks otherwise', () => {
    guard();
    const marker = JSON.parse(readFileSync(rig.layout.trial, 'utf8')) as { identity: string };
    const [, inode] = marker.identity.split(':');
    writeFileSync(rig.layout.trial, JSON.stringify({ ...marker, identity: `66310:${inode}` }));
    expect(guard()).toMatchObject({ kind: 'counted', trial: { starts: 2 } });
  });

  it('goes by no verdict of an earlier trial', () => {
    writeVerdict(rig.stateDirectory, { trialId: 'another', outcome: 'rejected', reason: 'long ago' });
    expect(guard().kind).toBe('counted');
  });

  it('keeps the marker readable for the service, under any umask it runs itself', () => {
    const before = process.umask(0o077);
    try {
      guard();
    } finally {
      process.umask(before);
    }
    expect(statSync(rig.layout.trial).mode & 0o777).toBe(0o644);
  });

  it('leaves no other file than the executable, the one before and the record', () => {
    for (let start = 0; start <= TRIAL_STARTS_MAX; start++) guard();
    expect(readdirSync(rig.layout.directory).sort()).toEqual(['qedge', 'qedge.previous', 'qedge.rejected']);
  });
});
