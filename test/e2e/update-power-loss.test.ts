// SIGKILL before every single change that an update makes to the file system: a whole, working executable is in place
// after each, and the update can be made again.

import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentTrial, guardStart, TRIAL_STARTS_MAX, type Trial, writeTrial } from '../../src/update/trial.ts';
import { UpdateRig } from '../support/update-rig.ts';

const VICTIM = join(import.meta.dirname, '../support/update-victim.ts');
/** Each operation costs the start of a process. */
const TIMEOUT_MS = 240_000;

describe('killed at any moment', () => {
  let rig: UpdateRig;
  beforeEach(() => {
    rig = new UpdateRig();
  });
  afterEach(() => rig.close());

  /** True when it was killed, false when there was no n-th change left to be killed at. */
  function runVictim(kind: 'swap' | 'guard', n: number): boolean {
    const optionsFile = join(rig.directory, 'options.json');
    writeFileSync(optionsFile, JSON.stringify({ ...rig.options(), stateDirectory: rig.stateDirectory }));
    const result = spawnSync(process.execPath, [VICTIM, kind, optionsFile, String(n)], { encoding: 'utf8' });
    if (result.signal === 'SIGKILL') return true;
    expect(result).toMatchObject({ status: 0, stderr: '' });
    return false;
  }

  function expectWholeExecutable(): void {
    expect(['old', 'new']).toContain(rig.inPlace());
    expect(statSync(rig.layout.executable).mode & 0o111).toBe(0o111);
  }

  it('an update leaves a working executable, and the next start knows which', { timeout: TIMEOUT_MS }, () => {
    let n = 1;
    for (; runVictim('swap', n); n++) {
      expectWholeExecutable();
      if (rig.inPlace() === 'new') {
        // In place means on trial, and the way back is there.
        expect(currentTrial(rig.layout)).not.toBeNull();
        expect(readFileSync(rig.layout.previous).subarray(64).toString()).toBe('old');
      } else {
        expect(['no-trial', 'cleared']).toContain(guardStart(rig.layout, rig.stateDirectory).kind);
      }
      rig.close();
      rig = new UpdateRig();
    }
    expect(n).toBeGreaterThan(20);
  });

  it('an update that was cut short can be made again', { timeout: TIMEOUT_MS }, () => {
    // Not cleaned up between the kills: each one finds the leftovers of all before it.
    for (let n = 1; rig.inPlace() === 'old'; n++) runVictim('swap', n);
    expect(currentTrial(rig.layout)).toMatchObject({ version: '2.0.0' });
  });

  it('a return leaves a working executable, and the next start completes it', { timeout: TIMEOUT_MS }, () => {
    let killed = 0;
    for (let n = 1; ; n++) {
      rig.swap({ allowRejected: true });
      writeTrial(rig.layout, { ...(currentTrial(rig.layout) as Trial), starts: TRIAL_STARTS_MAX });
      if (!runVictim('guard', n)) break;
      killed++;
      expectWholeExecutable();
      guardStart(rig.layout, rig.stateDirectory);
      expect(rig.inPlace()).toBe('old');
      expect(currentTrial(rig.layout)).toBeNull();
    }
    expect(killed).toBeGreaterThan(8);
  });
});
