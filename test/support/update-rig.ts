// An installed executable and a signed new one, small and made up: what they hold is an ELF header and a name.

import { createPrivateKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '../../src/update/copy.ts';
import { type Layout, layoutOf } from '../../src/update/layout.ts';
import { generateKeys, type Release, signRelease } from '../../src/update/signature.ts';
import { type SwapOptions, swapExecutable } from '../../src/update/swap.ts';

const KEYS = generateKeys();

/** ELF header up to e_machine: 64 bit, little-endian, an x86-64 (62) or AArch64 (183) program. */
function program(name: string, machine = 62): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  return Buffer.concat([header, Buffer.from(name)]);
}

export class UpdateRig {
  readonly directory = mkdtempSync(join(tmpdir(), 'qedge-update-'));
  readonly layout: Layout;
  readonly stateDirectory = join(this.directory, 'state');
  readonly file = join(this.directory, 'new');

  constructor() {
    mkdirSync(join(this.directory, 'installed'));
    mkdirSync(this.stateDirectory);
    this.layout = layoutOf(join(this.directory, 'installed/qedge'));
    writeFileSync(this.layout.executable, program('old'), { mode: 0o755 });
    this.release('new');
  }

  /** Writes and signs the new executable; `claims` override what is true of it. */
  release(name: string, claims: Partial<Release> = {}, machine = 62): void {
    writeFileSync(this.file, program(name, machine));
    this.sign({ version: '2.0.0', architecture: 'x64', ...digestOf(this.file), ...claims });
  }

  sign(release: Release, keys = KEYS): void {
    writeFileSync(`${this.file}.sig`, signRelease(release, createPrivateKey(keys.privateKeyPem)));
  }

  options(overrides: Partial<SwapOptions> = {}): SwapOptions {
    return {
      layout: this.layout,
      file: this.file,
      signatureFile: `${this.file}.sig`,
      publicKey: KEYS.publicKey,
      currentVersion: '1.0.0',
      architecture: 'x64',
      allowDowngrade: false,
      allowRejected: false,
      probe: () => undefined,
      ...overrides,
    };
  }

  swap(overrides: Partial<SwapOptions> = {}): Release {
    return swapExecutable(this.options(overrides));
  }

  /** Which executable is in place: `old`, `new`, or else what its file holds. */
  inPlace(): string {
    return readFileSync(this.layout.executable).subarray(64).toString();
  }

  close(): void {
    rmSync(this.directory, { recursive: true });
  }
}
