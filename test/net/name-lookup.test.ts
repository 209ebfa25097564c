// Where names are asked for: a name server of this test's own cannot be named to the system, so the hosts file is what is real here.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createNameLookup, readHosts } from '../../src/net/name-lookup.ts';

function hostsFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-hosts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'hosts');
  writeFileSync(file, text);
  return file;
}

describe('a name in the hosts file', () => {
  const text =
    '127.0.0.1 localhost\n10.0.0.7\tpi-7.test pi-7 # the one by the door\nfd00::7 PI-7.test\nrubbish pi-7.test\n';

  it('has the addresses that stand there, in their order', async () => {
    expect(await readHosts(hostsFile(text), 'pi-7.TEST')).toEqual(['10.0.0.7', 'fd00::7']);
    expect(await readHosts(hostsFile(text), 'pi-8')).toEqual([]);
    expect(await readHosts('/nowhere/hosts', 'pi-7')).toEqual([]);
  });

  it('is found without anything else being asked', async () => {
    const lookup = createNameLookup({ hostsFile: hostsFile(text) });
    expect(await lookup('pi-7.test')).toEqual({ addresses: ['10.0.0.7', 'fd00::7'], ttlMs: null });
  });
});
