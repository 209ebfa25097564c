// Everything that can be wrong with a new executable is found before anything moves.

import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandError } from '../../src/errors.ts';
import { generateKeys } from '../../src/update/signature.ts';
import type { SwapOptions } from '../../src/update/swap.ts';
import { currentTrial, rollBack } from '../../src/update/trial.ts';
import { UpdateRig } from '../support/update-rig.ts';

describe('a swap', () => {
  let rig: UpdateRig;
  beforeEach(() => {
    rig = new UpdateRig();
  });
  afterEach(() => rig.close());

  it('puts the new executable in place, on trial, and keeps the old one', () => {
    expect(rig.swap()).toMatchObject({ version: '2.0.0' });
    expect(rig.inPlace()).toBe('new');
    expect(statSync(rig.layout.executable).mode & 0o777).toBe(0o755);
    expect(currentTrial(rig.layout)).toMatchObject({ version: '2.0.0', starts: 0 });
    expect(readdirSync(rig.layout.directory).sort()).toEqual(['qedge', 'qedge.previous', 'qedge.trial']);
  });

  const refuses = (message: string, overrides: Partial<SwapOptions> = {}) => {
    expect(() => rig.swap(overrides)).toThrow(message);
    expect(() => rig.swap(overrides)).toThrow(CommandError);
    expect(rig.inPlace()).toBe('old');
    expect(readdirSync(rig.layout.directory)).toEqual(['qedge']);
  };

  it('refuses a truncated file', () => {
    truncateSync(rig.file, 65);
    refuses('65 bytes, signed were 67: truncated or another file');
  });

  it('refuses a file that goes on behind what was signed, and copies none of it', () => {
    truncateSync(rig.file, 1024 ** 3);
    refuses('1073741824 bytes, signed were 67: truncated or another file');
  });

  it('refuses a file of the same size with another content', () => {
    writeFileSync(rig.file, Buffer.alloc(statSync(rig.file).size));
    refuses('not the file that was signed');
  });

  it('refuses what was signed for another architecture', () => {
    rig.release('new', { architecture: 'arm64' });
    refuses('the file is for arm64, this machine is x64');
  });

  it('refuses a program for another machine, even when signed', () => {
    rig.release('new', {}, 183);
    refuses('a program for arm64, not x64');
  });

  it('refuses the signature of a stranger', () => {
    const size = statSync(rig.file).size;
    rig.sign({ version: '2.0.0', architecture: 'x64', bytes: size, sha256: 'ab'.repeat(32) }, generateKeys());
    refuses('the signature does not match the public key');
  });

  it('refuses a file without a signature, and any file where no key is configured', () => {
    refuses('no such file: ', { signatureFile: `${rig.file}.none` });
    refuses('update.public_key is not configured', { publicKey: null });
  });

  it('refuses a version that is not newer, unless asked otherwise', () => {
    refuses('version 2.0.0 is not newer than 2.0.0', { currentVersion: '2.0.0' });
    refuses('version 2.0.0 is not newer than 2.0.1', { currentVersion: '2.0.1' });
    rig.swap({ currentVersion: '2.0.1', allowDowngrade: true });
    expect(rig.inPlace()).toBe('new');
  });

  it('refuses what fails its own check, such as one that cannot read the configuration', () => {
    const probe = () => {
      throw new CommandError('the new executable failed at "check" (78)');
    };
    refuses('failed at "check" (78)', { probe });
  });

  it('refuses another update while one is on trial', () => {
    rig.swap();
    expect(() => rig.swap({ allowDowngrade: true })).toThrow('an update is on trial');
  });

  it('refuses what was rolled back before, unless asked otherwise', () => {
    rig.swap();
    const trial = currentTrial(rig.layout);
    if (trial === null) throw new Error('not on trial');
    rollBack(rig.layout, trial, 'it crashed');
    expect(rig.inPlace()).toBe('old');
    expect(() => rig.swap()).toThrow('this file was rolled back before: it crashed');
    rig.swap({ allowRejected: true });
    expect(rig.inPlace()).toBe('new');
  });
});
