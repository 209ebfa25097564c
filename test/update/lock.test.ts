import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockUpdates } from '../../src/update/lock.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qedge-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the lock of updates', () => {
  it('is held by one at a time, and leaves nothing', async () => {
    const lock = await lockUpdates(directory);
    await expect(lockUpdates(directory)).rejects.toThrow('another update is under way');
    lock.release();
    await expect.poll(() => existsSync(join(directory, 'update.lock'))).toBe(false);
    (await lockUpdates(directory)).release();
  });

  it('says where it may not stand', async () => {
    await expect(lockUpdates('/proc')).rejects.toThrow('not allowed to write in /proc, where the program is');
  });

  it('is taken from a process that was killed', async () => {
    const code = `(await import(${JSON.stringify(resolve(import.meta.dirname, '../../src/update/lock.ts'))}))
      .lockUpdates(${JSON.stringify(directory)}).then(() => console.log('held')); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    await expect(lockUpdates(directory)).rejects.toThrow('another update is under way');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    (await lockUpdates(directory)).release();
  });

  it('that was abandoned is had by one of several that find it at once', async () => {
    const path = join(directory, 'update.lock');
    // Bound by a process that ended: its name is left.
    spawnSync(process.execPath, [
      '-e',
      `net.createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(existsSync(path)).toBe(true);
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => lockUpdates(directory)));
    const locks = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(locks).toHaveLength(1);
    await expect(lockUpdates(directory)).rejects.toThrow('another update is under way');
    locks[0]?.release();
    (await lockUpdates(directory)).release();
  });

  it('is held by a process that is stopped', async () => {
    const path = join(directory, 'update.lock');
    const code = `net.createServer().listen(${JSON.stringify(path)}, () => console.log('held'))`;
    const holder = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    holder.kill('SIGSTOP');
    await expect(lockUpdates(directory)).rejects.toThrow('another update is under way');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  });

  it('is not in the way of a user that may not write beside the program', async () => {
    // The name of a lock that any user of the machine could hold.
    const elsewhere = createServer().listen(`\0qedge-update-${directory}`);
    (await lockUpdates(directory)).release();
    elsewhere.close();
  });
});
