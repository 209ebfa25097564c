// Instances that files list, read from a real folder.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configFrom } from '../../support/config.ts';
import { PATIENCE } from '../../support/patience.ts';
import { startPlacement, type TestPlacement } from '../../support/placement.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'qedge-lists-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const config = (path: string, more = ''): string => `
[node]
id = "self"
[placement.file]
path = "${path}"
[[service]]
name = "pilotnet"
qos.latency = "80ms"
${more}`;

const entry = (url: string, more = ''): string => `[[instance]]\nservice = "pilotnet"\nurl = "${url}"\n${more}\n`;
const trouble = ({ placement }: TestPlacement): string | null => placement.state().sources[0]?.trouble ?? null;
const detail = ({ logLines }: TestPlacement): readonly unknown[] => logLines.map((line) => line.detail).filter(Boolean);

/** As a careful program replaces a file: at once, under its name. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

describe('a watched file', () => {
  it('announces its instances, in the words of announce and of the wire, from TOML and JSON', async () => {
    const path = folder();
    writeFileSync(join(path, 'a.toml'), entry('http://10.0.0.7:9000', 'node = "pi-7"\nid = "a"\nprofile.energy = 3'));
    writeFileSync(join(path, 'b.json'), '[{"service":"pilotnet","host":"10.0.0.8","port":9000,"labels":{"zone":"x"}}]');
    writeFileSync(join(path, 'notes.txt'), 'left alone');
    const started = startPlacement(config(path));
    await expect.poll(started.keys, PATIENCE).toEqual(['10.0.0.8/9000 up', 'pi-7/a up']);
    expect(started.updates).toContainEqual({
      kind: 'instance-set',
      instance: expect.objectContaining({ id: 'a', source: 'file', profile: { energy: 3 } }),
    });
    expect(started.placement.state().sources).toEqual([{ source: 'file', trouble: null, instances: 2, leftOut: 0 }]);
    expect(started.timesKnown()).toBe(1);
  });

  it('is read again when it is replaced, and what it no longer lists is gone', async () => {
    const path = join(folder(), 'instances.toml');
    writeFileSync(path, entry('http://10.0.0.7:9000'));
    const { keys } = startPlacement(config(path));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
    replace(path, entry('http://10.0.0.9:9000'));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.9/9000 up']);
    rmSync(path);
    await expect.poll(keys, PATIENCE).toEqual([]);
    replace(path, entry('http://10.0.0.7:9000'));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
  });

  it('may replace an instance where there is room for one, and is asked again for what there was no room for', async () => {
    const path = join(folder(), 'instances.toml');
    writeFileSync(path, entry('http://10.0.0.7:9000'));
    const limited = config(path).replace('[placement.file]', '[placement]\ninstances_max = 1\n[placement.file]');
    const { keys, placement } = startPlacement(limited);
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
    replace(path, entry('http://10.0.0.8:9000'));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.8/9000 up']);
    replace(path, entry('http://10.0.0.8:9000') + entry('http://10.0.0.9:9000'));
    await expect.poll(() => placement.state().sources[0]?.leftOut, PATIENCE).toBe(1);
    replace(path, entry('http://10.0.0.9:9000'));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.9/9000 up']);
  });

  it('that is half written stands for what it said before, and the trouble names place and value', async () => {
    const path = join(folder(), 'instances.toml');
    writeFileSync(path, entry('http://10.0.0.7:9000'));
    const started = startPlacement(config(path));
    await expect.poll(started.keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
    writeFileSync(path, '[[instance]]\nservice = "pilo');
    await expect.poll(() => trouble(started), PATIENCE).toMatch(/^instances\.toml:2:\d+: not valid TOML/);
    writeFileSync(path, entry('http://10.0.0.7:nine'));
    await expect
      .poll(() => trouble(started), PATIENCE)
      .toBe(
        'instances.toml:3:1: instance[0].url: expected an address such as "http://10.0.0.7:9000", got "http://10.0.0.7:nine"; what it said before stands',
      );
    writeFileSync(path, '');
    await expect.poll(() => trouble(started), PATIENCE).toContain('empty: instance = [] says that there is none');
    expect(started.keys()).toEqual(['10.0.0.7/9000 up']);
    writeFileSync(path, 'instance = []');
    await expect.poll(started.keys, PATIENCE).toEqual([]);
    expect(trouble(started)).toBeNull();
  });

  it('is held to the checks of placement, with loopback for this machine', async () => {
    const path = join(folder(), 'instances.json');
    const listed = ['169.254.169.254', '8.8.8.8', '127.0.0.1', '10.0.0.7'];
    const own = { service: 'pilotnet', host: '127.0.0.1', port: 8080 };
    const other = { service: 'elsewhere', host: '10.0.0.9', port: 80 };
    const all = [...listed.map((host) => ({ service: 'pilotnet', host, port: 9000 })), own, other, own];
    writeFileSync(path, JSON.stringify({ instance: all }));
    const started = startPlacement(config(path));
    await expect.poll(started.keys, PATIENCE).toEqual(['10.0.0.7/9000 up', '127.0.0.1/9000 up']);
    expect(detail(started)).toEqual([
      'address 169.254.169.254 is link-local (RFC 3927)',
      'address 8.8.8.8 is outside placement.allow',
      'address 127.0.0.1:8080 is this qedge itself',
      'pilotnet 127.0.0.1/8080 is announced twice',
    ]);
    expect(started.placement.state().sources[0]).toMatchObject({ instances: 2, leftOut: 5 });
  });

  it('that cannot be read is read as soon as it can, though nothing in it changes', async () => {
    const path = join(folder(), 'instances.toml');
    writeFileSync(path, entry('http://10.0.0.7:9000'), { mode: 0o000 });
    const started = startPlacement(config(path));
    // What may read everything has nothing to wait for.
    if (process.getuid?.() !== 0) await expect.poll(() => trouble(started), PATIENCE).toMatch(/not allowed to read/);
    chmodSync(path, 0o600);
    await expect.poll(started.keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
    expect(trouble(started)).toBeNull();
  });

  it('that is too large, or no file at all, is not read', async () => {
    const path = folder();
    const many = Array.from({ length: 100_000 }, (_, i) => ({ service: 'pilotnet', host: '10.0.0.7', port: i + 1 }));
    writeFileSync(join(path, 'b.json'), JSON.stringify(many));
    const started = startPlacement(config(path));
    await expect.poll(() => trouble(started), PATIENCE).toBe('b.json: more than 1048576 bytes; it is left out');
    rmSync(join(path, 'b.json'));
    execFileSync('mkfifo', [join(path, 'a.toml')]);
    await expect.poll(() => trouble(started), PATIENCE).toMatch(/^a\.toml: cannot be read: .*not a file/);
  });

  it('lists more instances than are taken: the rest is refused', async () => {
    const path = join(folder(), 'instances.json');
    const many = Array.from({ length: 5_000 }, (_, i) => ({ service: 'pilotnet', host: '10.0.0.7', port: i + 1 }));
    writeFileSync(path, JSON.stringify(many));
    const started = startPlacement(config(path));
    await expect.poll(() => started.keys().length, PATIENCE).toBe(4_096);
    expect(detail(started)[0]).toBe('more than 4096 instances');
  });

  it('whose section goes with a reload takes its instances along, and another path keeps them until it is read', async () => {
    const path = join(folder(), 'instances.toml');
    writeFileSync(path, entry('http://10.0.0.7:9000'));
    const other = join(folder(), 'others.toml');
    writeFileSync(other, entry('http://10.0.0.7:9000') + entry('http://10.0.0.8:9000'));
    const { keys, placement, updates } = startPlacement(config(path));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
    placement.configure(configFrom(config(other)));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up', '10.0.0.8/9000 up']);
    expect(updates.filter(({ kind }) => kind === 'instance-removed')).toEqual([]);
    placement.configure(configFrom(config(other).replace(/\[placement.file\]\npath = .*/, '')));
    await expect.poll(keys, PATIENCE).toEqual([]);
    expect(placement.state().sources).toEqual([]);
  });

  it('is judged again by a reload: a narrower network takes away, a new service gives', async () => {
    const path = join(folder(), 'instances.toml');
    writeFileSync(path, entry('http://10.0.0.7:9000') + entry('http://10.1.0.7:9000').replace('pilotnet', 'yolo'));
    const { keys, placement } = startPlacement(config(path));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up']);
    const wider = config(path, '[[service]]\nname = "yolo"\nqos.latency = "80ms"\n');
    placement.configure(configFrom(wider));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up', '10.1.0.7/9000 up']);
    placement.configure(configFrom(`${wider}[placement]\nallow = ["10.1.0.0/16"]\n`));
    await expect.poll(keys, PATIENCE).toEqual(['10.1.0.7/9000 up']);
  });

  it('lists what the configuration has by another name: the configuration has it', async () => {
    const path = join(folder(), 'instances.toml');
    writeFileSync(path, entry('http://10.0.0.7:9000', 'node = "pi-7"') + entry('http://10.0.0.8:9000'));
    const { keys, placement } = startPlacement(config(path, 'instances = ["http://10.0.0.7:9000"]'));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.7/9000 up', '10.0.0.8/9000 up']);
    placement.configure(configFrom(config(path)));
    await expect.poll(keys, PATIENCE).toEqual(['10.0.0.8/9000 up', 'pi-7/9000 up']);
  });

  it('lists what is too far away to be of use: it gets no new traffic until it is near', async () => {
    const path = join(folder(), 'instances.toml');
    writeFileSync(path, entry('http://10.0.0.7:9000', 'node = "pi-7"'));
    const { keys, placement } = startPlacement(config(path));
    await expect.poll(keys, PATIENCE).toEqual(['pi-7/9000 up']);
    placement.observeRtt('pi-7', 100);
    expect(keys()).toEqual(['pi-7/9000 suspect']);
    placement.observeRtt('pi-7', 20);
    expect(keys()).toEqual(['pi-7/9000 up']);
  });
});
