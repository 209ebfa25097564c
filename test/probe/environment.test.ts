// Reading a device's state from files as Linux writes them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { DeviceLoad } from '../../src/core/domain.ts';
import { readEnvironment } from '../../src/probe/environment.ts';
import { createEnvironmentWatch, LoadReporter } from '../../src/probe/environment-watch.ts';
import { NO_LOAD } from '../core/support.ts';

/** Between two reports, at least. */
const REPORT_INTERVAL_MS = 30_000;

function device(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'qedge-device-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), `${text}\n`);
  }
  return root;
}

const loadOf = async (files: Readonly<Record<string, string>>): Promise<DeviceLoad> =>
  (await readEnvironment(device(files), null)).load;

describe('readEnvironment', () => {
  it('knows nothing of a device that reports nothing, or nonsense', async () => {
    expect(await loadOf({})).toEqual(NO_LOAD);
    const nonsense = {
      'proc/stat': 'cpu x y',
      'proc/meminfo': 'MemTotal: lots',
      'sys/class/thermal/thermal_zone0/temp': '-274000',
      'sys/class/power_supply/x/online': '1',
    };
    expect(await loadOf(nonsense)).toEqual(NO_LOAD);
  });

  it('reads a Raspberry Pi that is hot and under-volted', async () => {
    const load = await loadOf({
      'proc/meminfo': 'MemTotal:        3885396 kB\nMemFree:  100 kB\nMemAvailable:     971349 kB',
      'sys/class/thermal/thermal_zone0/type': 'cpu-thermal',
      'sys/class/thermal/thermal_zone0/temp': '81796',
      'sys/devices/platform/soc/soc:firmware/get_throttled': '50005',
    });
    expect(load).toEqual({
      ...NO_LOAD,
      memoryRatio: expect.closeTo(0.75, 5),
      temperatureC: 81.796,
      throttled: true,
    });
  });

  it('does not take past throttling for present', async () => {
    expect(await loadOf({ 'sys/devices/platform/soc/soc:firmware/get_throttled': '50000' })).toMatchObject({
      throttled: false,
    });
  });

  it('reads a laptop on battery whose processor is cooled down', async () => {
    const load = await loadOf({
      'sys/class/thermal/thermal_zone0/temp': '48000',
      'sys/class/thermal/thermal_zone1/temp': '63500',
      'sys/class/thermal/cooling_device0/type': 'Fan',
      'sys/class/thermal/cooling_device0/cur_state': '2',
      'sys/class/thermal/cooling_device1/type': 'Processor',
      'sys/class/thermal/cooling_device1/cur_state': '3',
      'sys/class/power_supply/AC/type': 'Mains',
      'sys/class/power_supply/AC/online': '0',
      'sys/class/power_supply/BAT0/type': 'Battery',
      'sys/class/power_supply/BAT0/status': 'Discharging',
      'sys/class/power_supply/BAT0/capacity': '37',
      'sys/class/power_supply/mouse/type': 'Battery',
      'sys/class/power_supply/mouse/scope': 'Device',
      'sys/class/power_supply/mouse/capacity': '5',
    });
    expect(load).toEqual({ ...NO_LOAD, temperatureC: 63.5, throttled: true, power: 'battery', batteryRatio: 0.37 });
  });

  it('takes a battery that is charged for mains power, and a fan for no throttling', async () => {
    const load = await loadOf({
      'sys/class/thermal/cooling_device0/type': 'thermal-cpufreq-0',
      'sys/class/thermal/cooling_device0/cur_state': '0',
      'sys/class/power_supply/BAT0/type': 'Battery',
      'sys/class/power_supply/BAT0/status': 'Full',
      'sys/class/power_supply/BAT0/capacity': '100',
    });
    expect(load).toEqual({ ...NO_LOAD, throttled: false, power: 'mains', batteryRatio: 1 });
  });

  it('leaves to other threads what may take its time alone, since the event loop is woken several times a file', async () => {
    const inWork = (): number => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('FSReq')).length;
    const root = device({
      'proc/stat': 'cpu  100 0 100 700 100 0 0 0',
      'proc/meminfo': 'MemTotal: 4 kB\nMemAvailable: 3 kB',
    });
    const before = inWork();
    const reading = readEnvironment(root, { busy: 0, total: 0 });
    // Heat, throttling and power.
    expect(inWork() - before).toBe(3);
    expect((await reading).load).toMatchObject({ cpuRatio: 0.2, memoryRatio: 0.25 });
  });

  it("takes the processor's share between two readings", async () => {
    const root = device({ 'proc/stat': 'cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1' });
    const first = await readEnvironment(root, null);
    expect(first.load.cpuRatio).toBeNull();
    writeFileSync(join(root, 'proc/stat'), 'cpu  160 5 105 710 120 0 0 0 0 0\n');
    expect((await readEnvironment(root, first.ticks)).load.cpuRatio).toBeCloseTo(0.7, 10);
    // A counter that went backwards (a container moved): no share rather than a wrong one.
    expect((await readEnvironment(root, { busy: 9_999, total: 99_999 })).load.cpuRatio).toBeNull();
  });
});

describe('what is worth reporting', () => {
  const state = (facts: Partial<DeviceLoad>): DeviceLoad => ({ ...NO_LOAD, cpuRatio: 0.5, ...facts });

  it('is nothing when nothing is known', () => {
    expect(new LoadReporter().admit(NO_LOAD, 0)).toBe(false);
  });

  it('is the first state, and then a change that matters', () => {
    const reporter = new LoadReporter();
    const isReported = (facts: Partial<DeviceLoad>, step: number): boolean =>
      reporter.admit(state(facts), step * REPORT_INTERVAL_MS);
    expect(isReported({}, 0)).toBe(true);
    expect(isReported({}, 1)).toBe(false);
    expect(isReported({ cpuRatio: 0.59 }, 2)).toBe(false);
    expect(isReported({ cpuRatio: 0.65 }, 3)).toBe(true);
    expect(isReported({ cpuRatio: 0.65, throttled: false }, 4)).toBe(true);
    expect(isReported({ cpuRatio: 0.65, throttled: true }, 5)).toBe(true);
    expect(isReported({ cpuRatio: 0.65, throttled: true, power: 'battery', batteryRatio: 0.5 }, 6)).toBe(true);
    expect(isReported({ cpuRatio: 0.65, throttled: true, power: 'battery', batteryRatio: 0.46 }, 7)).toBe(false);
    expect(isReported({ cpuRatio: 0.65, throttled: true, power: 'battery', batteryRatio: 0.44 }, 8)).toBe(true);
  });

  it('waits its time however much changes', () => {
    const reporter = new LoadReporter();
    let reported = 0;
    for (let nowMs = 0; nowMs < 10 * REPORT_INTERVAL_MS; nowMs += 100) {
      if (reporter.admit(state({ cpuRatio: (nowMs / 100) % 2 }), nowMs)) reported++;
    }
    expect(reported).toBe(10);
  });
});

describe('the watch', () => {
  it('reports what it reads, once while nothing changes', async () => {
    const root = device({ 'sys/class/thermal/thermal_zone0/temp': '50000' });
    const reported: DeviceLoad[] = [];
    let nowMs = 0;
    const watch = createEnvironmentWatch({
      clock: { nowMs: () => (nowMs += REPORT_INTERVAL_MS) },
      root,
      intervalMs: 1,
      onLoad: (load) => void reported.push(load),
    });
    onTestFinished(() => watch.stop());
    watch.start();
    await vi.waitFor(() => expect(nowMs).toBeGreaterThan(5 * REPORT_INTERVAL_MS));
    expect(reported).toEqual([{ ...NO_LOAD, temperatureC: 50 }]);
    writeFileSync(join(root, 'sys/class/thermal/thermal_zone0/temp'), '56000\n');
    await vi.waitFor(() => expect(reported.at(-1)?.temperatureC).toBe(56));
    expect(watch.load?.temperatureC).toBe(56);
  });
});
