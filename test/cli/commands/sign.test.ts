// The release side of updates: a key, a signature, and what is said to mistakes.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/update/copy.ts';
import { verifyRelease } from '../../../src/update/signature.ts';
import { QEDGE } from '../../support/qedge-command.ts';

describe('qedge keygen and qedge sign', () => {
  let directory = '';
  const at = (name: string): string => join(directory, name);
  const [program, ...first] = QEDGE;
  const qedge = (...args: readonly string[]) =>
    spawnSync(program, [...first, ...args], { encoding: 'utf8', cwd: directory });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-sign-'));
    // Any program of this machine will do.
    copyFileSync('/bin/true', at('qedge-new'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('make a signature that a device with the printed key believes', () => {
    const { stdout } = qedge('keygen', 'key.pem');
    expect(statSync(at('key.pem')).mode & 0o777).toBe(0o600);
    const publicKey = /^\[update\]\npublic_key = "(.+)"\n$/.exec(stdout)?.[1] ?? '';
    expect(qedge('sign', 'qedge-new', '--key', 'key.pem', '--release', '1.2.3')).toMatchObject({
      status: 0,
      stdout: 'qedge-new.sig\n',
    });
    const release = verifyRelease(readFileSync(at('qedge-new.sig'), 'utf8'), publicKey);
    expect(release).toEqual({ version: '1.2.3', architecture: process.arch, ...digestOf(at('qedge-new')) });
  });

  it('say where they cannot write', () => {
    const none = at('none');
    expect(qedge('keygen', join(none, 'key.pem')).stderr).toBe(
      `qedge: cannot write to ${join(none, 'key.pem')}: no such directory: ${none}\n`,
    );
    qedge('keygen', 'key.pem');
    expect(qedge('sign', 'qedge-new', '--key', 'key.pem', '--output', none).status).toBe(0);
    expect(qedge('sign', 'qedge-new', '--key', 'key.pem', '--output', join(none, 'x'))).toMatchObject({
      status: 1,
      stderr: `qedge: cannot write to ${join(none, 'x')}: a part of it is a file\n`,
    });
  });

  it('sign other files of a release, which qedge verify checks', () => {
    const publicKey = /"(.+)"/.exec(qedge('keygen', 'key.pem').stdout)?.[1] ?? '';
    const other = /"(.+)"/.exec(qedge('keygen', 'other.pem').stdout)?.[1] ?? '';
    writeFileSync(at('SHA256SUMS'), 'abc  qedge.deb\n');
    qedge('sign', 'SHA256SUMS', '--key', 'key.pem', '--release', '1.2.3');
    expect(qedge('verify', 'SHA256SUMS', '--key', publicKey)).toMatchObject({
      status: 0,
      stdout: 'SHA256SUMS: version 1.2.3, architecture any, as signed\n',
    });
    expect(qedge('verify', 'SHA256SUMS', '--key', other)).toMatchObject({
      status: 1,
      stderr: 'qedge: SHA256SUMS.sig: the signature does not match the public key\n',
    });
    const badKey = qedge('verify', 'SHA256SUMS', '--key', 'abc');
    expect(badKey.status).toBe(64);
    expect(badKey.stderr).toContain('expected a public key, 32 bytes in base64, got abc');
    writeFileSync(at('SHA256SUMS'), 'abd  qedge.deb\n');
    expect(qedge('verify', 'SHA256SUMS', '--key', publicKey)).toMatchObject({
      status: 1,
      stderr: 'qedge: SHA256SUMS: not the file that was signed\n',
    });
  });

  it('never overwrite a key', () => {
    writeFileSync(at('key.pem'), 'precious');
    expect(qedge('keygen', 'key.pem')).toMatchObject({
      status: 1,
      stderr: 'qedge: key.pem exists; a key is never overwritten\n',
    });
    expect(readFileSync(at('key.pem'), 'utf8')).toBe('precious');
  });

  it('say what is wrong with the key, the file or the version', () => {
    qedge('keygen', 'key.pem');
    writeFileSync(at('notes.txt'), 'no key, and no program either');
    const sign = (...args: readonly string[]) => {
      const { status, stderr } = qedge('sign', ...args);
      return [status, stderr.trim()];
    };
    expect(sign('qedge-new', '--key', 'notes.txt')).toEqual([
      1,
      'qedge: --key: notes.txt is no private key in PEM, such as qedge keygen writes',
    ]);
    expect(sign('none', '--key', 'key.pem')).toEqual([1, `qedge: no such file: ${at('none')}`]);
    expect(sign('qedge-new', '--key', 'none')).toEqual([1, `qedge: --key: no such file: ${at('none')}`]);
    expect(sign('qedge-new', '--key', 'key.pem', '--release', '1.2.3', '--output', 'none/x')).toEqual([
      1,
      `qedge: cannot write to none/x: no such directory: ${at('none')}`,
    ]);
    expect(sign('qedge-new', '--key', 'key.pem', '--release', 'new')).toEqual([
      64,
      'qedge: --release: expected a version such as 1.2.3, got new',
    ]);
  });
});
