// Updates of a running service, with real executables under a supervisor that does what the units ask of systemd: the
// good one stays, and each bad one is followed by the one before without help.
// requires: binary-x64

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readRejection } from '../../src/update/trial.ts';
import { builtExecutable } from '../support/executable.ts';
import { type Instance, startInstance } from '../support/running-binary.ts';
import { SupervisedQedge } from '../support/supervised.ts';
import { builtVariant } from '../support/variant.ts';

const BUILD_TIMEOUT_MS = 300_000;
const TIMEOUT_MS = 120_000;
const VERSION = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')).version;

describe('an update of a running service', { timeout: TIMEOUT_MS }, () => {
  let executable = '';
  let variant = '';
  let instance: Instance;
  let service: SupervisedQedge;

  beforeAll(() => {
    executable = builtExecutable('x64');
    variant = builtVariant();
  }, BUILD_TIMEOUT_MS);
  beforeEach(async () => {
    instance = await startInstance();
    const instances = `instances = ["http://127.0.0.1:${instance.port}"]`;
    service = new SupervisedQedge(executable, {
      config: `probation = "3s"\n[[service]]\nname = "pilotnet"\nqos.latency = "80ms"\ntimeout = "120s"\n${instances}\n`,
      // Requests are held as long as it takes, however slow the machine is.
      proxy: 'drain = "120s"',
    });
    await service.start(3);
  });
  afterEach(async () => {
    await service.stop();
    instance.close();
  });

  async function expectServing(): Promise<void> {
    const answer = await fetch(`${service.proxyUrl}/`, { headers: { 'x-qedge-service': 'pilotnet' } });
    expect([answer.status, await answer.text()]).toEqual([200, 'steering: 0.1']);
  }

  const versionInPlace = () => JSON.parse(service.qedge(['version', '--json']).stdout).version;

  it('to a good one is accepted after its probation, and the one before is kept', async () => {
    const before = service.events.length;
    const result = service.update(executable, VERSION, '--allow-downgrade');
    expect(result).toMatchObject({ status: 0, stderr: '' });
    await service.until((line) => line.startsWith('notify READY=1'), before);
    await expectServing();
    await expect.poll(() => service.log(), { timeout: 60_000 }).toContain('"update accepted"');
    service.restart();
    await service.until((line) => line.startsWith('ended'), before + 2);
    await expect
      .poll(() => readdirSync(service.layout.directory).sort(), { timeout: 60_000 })
      .toEqual(['qedge', 'qedge.previous']);
    await expectServing();
  });

  it('to a good one is a hand-over: the one before finishes what it began, and nothing waits for it', async () => {
    const before = service.events.length;
    const first = service.mainPid;
    const slow = fetch(`${service.proxyUrl}/held`, { headers: { 'x-qedge-service': 'pilotnet' } });
    await instance.held();
    expect((await service.updateWhileServing(executable, VERSION, '--allow-downgrade')).status).toBe(0);
    await expect.poll(() => service.starts(), { timeout: 60_000 }).toBe(2);
    await expectServing();
    expect(service.mainPid).toBe(first);
    instance.release();
    expect(await (await slow).text()).toBe('steering: 0.1');
    await service.until((line) => line === `left ${first} status 0`, before);
    expect(service.mainPid).not.toBe(first);
    expect(service.events.slice(before).filter((line) => line.startsWith('started'))).toEqual([]);
    await service.until((line) => line.startsWith('notify READY=1'), before);
    await expect.poll(() => service.log(), { timeout: 60_000 }).toContain('"update accepted"');
    await expectServing();
  });

  it.each(['crashes at once', 'crashes after 5 s'])(
    'to one that %s is no hand-over: the one before goes on, and is in place again at the next start',
    async (behaviour) => {
      writeFileSync(join(service.layout.directory, 'behaviour'), behaviour);
      const before = service.events.length;
      const first = service.mainPid;
      expect((await service.updateWhileServing(variant, '9.9.9')).status).toBe(0);
      await expect.poll(() => service.log(), { timeout: 60_000 }).toContain('"update rejected before it served"');
      await expectServing();
      expect(service.mainPid).toBe(first);
      service.restart();
      await service.until((line) => line.startsWith('notify READY=1'), before);
      expect(versionInPlace()).toBe(VERSION);
      expect(readRejection(service.layout)).toMatchObject({
        version: '9.9.9',
        reason: 'it did not become ready: it ended',
      });
      await expectServing();
    },
  );

  it.each(['the one before', 'the one that takes over'])(
    'cut short by SIGKILL of %s while both run is followed by a start',
    async (victim) => {
      const before = service.events.length;
      const first = service.mainPid;
      const slow = fetch(`${service.proxyUrl}/held`, { headers: { 'x-qedge-service': 'pilotnet' } });
      const cut = slow.then((answer) => answer.text()).catch(() => 'cut off');
      await instance.held();
      expect((await service.updateWhileServing(executable, VERSION, '--allow-downgrade')).status).toBe(0);
      await expect.poll(() => service.starts(), { timeout: 60_000 }).toBe(2);
      process.kill(victim === 'the one before' ? first : service.successorPid, 'SIGKILL');
      instance.release();
      await cut;
      const started = await service.until((line) => line.startsWith('started'), before);
      await service.until((line) => line.startsWith('notify READY=1'), started);
      await expectServing();
      await expect.poll(() => service.log(), { timeout: 60_000 }).toContain('"update accepted"');
    },
  );

  it('stopped while the one to take over hangs ends at once', async () => {
    writeFileSync(join(service.layout.directory, 'behaviour'), 'never becomes ready');
    const before = service.events.length;
    expect((await service.updateWhileServing(variant, '9.9.9')).status).toBe(0);
    await expect.poll(() => service.log(), { timeout: 60_000 }).toContain('"successor started"');
    const { successorPid } = service;
    service.restart();
    await service.until((line) => line === 'ended status 0', before);
    await service.until((line) => line.startsWith(`left ${successorPid} signal`), before);
    await service.until((line) => line.startsWith('notify READY=1'), before);
    expect(versionInPlace()).toBe(VERSION);
    await expectServing();
  });

  it('stopped while both run ends both, each in good order', async () => {
    const before = service.events.length;
    const slow = fetch(`${service.proxyUrl}/held`, { headers: { 'x-qedge-service': 'pilotnet' } });
    await instance.held();
    expect((await service.updateWhileServing(executable, VERSION, '--allow-downgrade')).status).toBe(0);
    await expect.poll(() => service.starts(), { timeout: 60_000 }).toBe(2);
    service.restart();
    await expect.poll(() => service.log().split('"cause":"SIGTERM"').length, { timeout: 60_000 }).toBe(2);
    instance.release();
    expect(await (await slow).text()).toBe('steering: 0.1');
    await service.until((line) => line === 'ended status 0', before);
    await service.until((line) => line.startsWith('notify READY=1'), before);
    await expectServing();
  });

  it.each(['crashes at once', 'crashes after 5 s', 'never becomes ready'])(
    'to one that %s is undone by the third start',
    async (behaviour) => {
      writeFileSync(join(service.layout.directory, 'behaviour'), behaviour);
      const before = service.events.length;
      expect(service.update(variant, '9.9.9')).toMatchObject({ status: 0 });
      expect(versionInPlace()).toBe('9.9.9');
      await service.until((line) => line.startsWith('notify READY=1'), before);
      expect(service.events.slice(before).filter((line) => line.startsWith('started'))).toHaveLength(3);
      expect(versionInPlace()).toBe(VERSION);
      expect(readRejection(service.layout)).toMatchObject({ version: '9.9.9' });
      await expectServing();
      // And it does not come again by itself, as a timer would have it.
      expect(service.update(variant, '9.9.9').stderr).toContain('rolled back before');
    },
  );

  it('to one that cannot read the configuration is never begun', async () => {
    writeFileSync(join(service.layout.directory, 'behaviour'), 'cannot read the config');
    const result = service.update(variant, '9.9.9');
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('cannot be read by this version');
    expect(versionInPlace()).toBe(VERSION);
    await expectServing();
  });

  it('to one that is not what its signature says is never begun', () => {
    writeFileSync(join(service.layout.directory, 'behaviour'), 'crashes at once');
    const result = service.update(variant, '9.9.8');
    expect(result.stderr).toContain('says that it is 9.9.9, signed was 9.9.8');
    expect(versionInPlace()).toBe(VERSION);
  });

  it('cut short by SIGKILL of the service in its first seconds is still accepted in the end', async () => {
    const before = service.events.length;
    expect(service.update(executable, VERSION, '--allow-downgrade').status).toBe(0);
    const started = await service.until((line) => line.startsWith('started'), before);
    await service.until((line) => line.startsWith('notify READY=1'), started);
    process.kill(Number(service.events[started]?.split(' ')[1]), 'SIGKILL');
    await service.until((line) => line.startsWith('notify READY=1'), started + 2);
    await expect.poll(() => service.log(), { timeout: 60_000 }).toContain('"update accepted"');
  });
});
