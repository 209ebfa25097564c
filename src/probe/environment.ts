// How hard pressed this device is, as far as it can be read: processor, memory, heat, power. Read from /proc and /sys; what is
// not there is null, so a container, a Raspberry Pi and a laptop are all read alike.

import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceLoad } from '../core/domain.ts';

/** Processor time since boot, in ticks of /proc/stat. */
export interface CpuTicks {
  readonly busy: number;
  readonly total: number;
}

export interface EnvironmentReading {
  readonly load: DeviceLoad;
  /** For the next reading: the share of processor time is that between two readings. */
  readonly ticks: CpuTicks | null;
}

/** Reads everything below `root` ("/" but in tests). Never rejects. */
export async function readEnvironment(root: string, before: CpuTicks | null): Promise<EnvironmentReading> {
  const ticks = readCpuTicks(root);
  const memoryRatio = readMemoryRatio(root);
  const [temperatureC, throttled, supplies] = await Promise.all([
    readTemperature(root),
    readThrottled(root),
    readPowerSupplies(root),
  ]);
  return {
    ticks,
    load: { cpuRatio: cpuRatio(before, ticks), memoryRatio, temperatureC, throttled, ...supplies },
  };
}

function cpuRatio(before: CpuTicks | null, now: CpuTicks | null): number | null {
  if (before === null || now === null || now.total <= before.total) return null;
  return clamp((now.busy - before.busy) / (now.total - before.total));
}

/** proc(5), /proc/stat: user nice system idle iowait irq softirq steal; guest time is already in user. */
function readCpuTicks(root: string): CpuTicks | null {
  const line = readAtOnce(root, 'proc/stat')
    ?.split('\n')
    .find((text) => text.startsWith('cpu '));
  const ticks = line?.trim().split(/\s+/).slice(1, 9).map(Number) ?? [];
  if (ticks.length < 4 || ticks.some(Number.isNaN)) return null;
  const total = ticks.reduce((sum, value) => sum + value, 0);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return { busy: total - idle, total };
}

/** proc(5), /proc/meminfo: MemAvailable is what can be had without swapping. */
function readMemoryRatio(root: string): number | null {
  const text = readAtOnce(root, 'proc/meminfo');
  const kilobytes = (name: string): number => Number(text?.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1]);
  const ratio = 1 - kilobytes('MemAvailable') / kilobytes('MemTotal');
  return Number.isFinite(ratio) ? clamp(ratio) : null;
}

/** Sensors that are not connected read as absolute zero or as nonsense. */
const PLAUSIBLE_C = { min: -55, max: 150 } as const;

/** The hottest thermal zone (sysfs-api, thermal: millidegrees Celsius). */
async function readTemperature(root: string): Promise<number | null> {
  const zones = await list(root, 'sys/class/thermal', 'thermal_zone');
  const texts = await Promise.all(zones.map((zone) => read(root, `${zone}/temp`)));
  const degrees = texts
    .map((text) => (text === null ? Number.NaN : Number(text) / 1000))
    .filter((value) => value > PLAUSIBLE_C.min && value < PLAUSIBLE_C.max);
  return degrees.length === 0 ? null : Math.max(...degrees);
}

/** Raspberry Pi firmware: now under-voltage, frequency capped, throttled, soft temperature limit; history is above. */
const PI_THROTTLED_NOW = 0b1111;
const PI_THROTTLED_FILE = 'sys/devices/platform/soc/soc:firmware/get_throttled';
/** Cooling devices that work by slowing the processor down. */
const SLOWING = /cpufreq|^Processor$|cpuidle/;

async function readThrottled(root: string): Promise<boolean | null> {
  const firmware = await read(root, PI_THROTTLED_FILE);
  if (firmware !== null) return (Number.parseInt(firmware, 16) & PI_THROTTLED_NOW) !== 0;
  const devices = await list(root, 'sys/class/thermal', 'cooling_device');
  const states = await Promise.all(
    devices.map(async (device) => {
      const type = await read(root, `${device}/type`);
      return type !== null && SLOWING.test(type) ? read(root, `${device}/cur_state`) : null;
    }),
  );
  const known = states.filter((state) => state !== null);
  return known.length === 0 ? null : known.some((state) => Number(state) > 0);
}

interface PowerSupply {
  readonly type: string;
  readonly online: boolean;
  readonly discharging: boolean;
  readonly chargeRatio: number | null;
}

/** sysfs-class-power. Batteries of peripherals (scope "Device") are none of ours. */
async function readPowerSupplies(root: string): Promise<Pick<DeviceLoad, 'power' | 'batteryRatio'>> {
  const folders = await list(root, 'sys/class/power_supply', '');
  const supplies = (await Promise.all(folders.map((folder) => readSupply(root, folder)))).filter((s) => s !== null);
  const batteries = supplies.filter(({ type }) => type === 'Battery' || type === 'UPS');
  const plugged = supplies.some(({ type, online }) => (type === 'Mains' || type === 'USB') && online);
  const charges = batteries.flatMap(({ chargeRatio }) => (chargeRatio === null ? [] : [chargeRatio]));
  const onBattery = !plugged && batteries.some(({ discharging }) => discharging);
  return {
    power: supplies.length === 0 ? null : onBattery ? 'battery' : 'mains',
    batteryRatio: charges.length === 0 ? null : Math.min(...charges),
  };
}

async function readSupply(root: string, folder: string): Promise<PowerSupply | null> {
  const names = ['type', 'online', 'status', 'capacity', 'scope'];
  const [type, online, status, capacity, scope] = await Promise.all(
    names.map((name) => read(root, `${folder}/${name}`)),
  );
  if (!type || scope === 'Device') return null;
  const chargeRatio = capacity === null || capacity === undefined ? null : clamp(Number(capacity) / 100);
  return { type, online: online === '1', discharging: status === 'Discharging', chargeRatio };
}

/** What the kernel has in memory, so that nothing waits; asked in turns, the event loop is woken five times a file. */
function readAtOnce(root: string, path: string): string | null {
  try {
    return readFileSync(join(root, path), 'utf8').trim();
  } catch {
    return null;
  }
}

/** A sensor may take its time. */
async function read(root: string, path: string): Promise<string | null> {
  try {
    return (await readFile(join(root, path), 'utf8')).trim();
  } catch {
    return null;
  }
}

/** Paths below `root` of the entries of a folder whose names begin so; none when it is not there. */
async function list(root: string, folder: string, prefix: string): Promise<readonly string[]> {
  try {
    const names = await readdir(join(root, folder));
    return names.filter((name) => name.startsWith(prefix)).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

function clamp(ratio: number): number {
  return Math.min(1, Math.max(0, ratio));
}
