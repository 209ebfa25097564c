// Watches this device and reports when its state has changed enough to matter to others, at most so often: every word goes
// to every node through the broker.

import type { Clock } from '../core/clock.ts';
import type { DeviceLoad } from '../core/domain.ts';
import { type CpuTicks, readEnvironment } from './environment.ts';

export interface EnvironmentWatchOptions {
  readonly clock: Clock;
  /** A state that is worth reporting. */
  readonly onLoad: (load: DeviceLoad) => void;
  /** Where /proc and /sys are; "/" by default. */
  readonly root?: string;
  /** Time between readings, ms. */
  readonly intervalMs?: number;
}

/** The machine's own state, as last read; null before the first reading. */
export interface EnvironmentWatch {
  start(): void;
  stop(): void;
  /** The last reading; null before the first. */
  readonly load: DeviceLoad | null;
}

const READ_INTERVAL_MS = 5_000;
/** Between two reports, ms, at least. */
const REPORT_INTERVAL_MS = 30_000;
/** How much of the newest reading goes into the smoothed processor share: about the last 20 s count. */
const CPU_WEIGHT = 0.4;

/** Reads when it is started and then in a fixed interval, until it is stopped. */
export function createEnvironmentWatch(options: EnvironmentWatchOptions): EnvironmentWatch {
  const { clock, onLoad, root = '/', intervalMs = READ_INTERVAL_MS } = options;
  const reporter = new LoadReporter();
  let ticks: CpuTicks | null = null;
  let load: DeviceLoad | null = null;
  let timer: NodeJS.Timeout | null = null;
  let running = false;

  const look = async (): Promise<void> => {
    const reading = await readEnvironment(root, ticks);
    if (!running) return;
    ticks = reading.ticks;
    load = smooth(load, reading.load);
    if (reporter.admit(load, clock.nowMs())) onLoad(load);
    timer = setTimeout(() => void look(), intervalMs);
    timer.unref();
  };

  return {
    start() {
      running = true;
      void look();
    },
    stop() {
      running = false;
      if (timer !== null) clearTimeout(timer);
    },
    get load() {
      return load;
    },
  };
}

/** Decides what is worth reporting. Pure. */
export class LoadReporter {
  #reported: DeviceLoad | null = null;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  /** True when `load` is to be reported now; it then counts as reported. */
  admit(load: DeviceLoad, nowMs: number): boolean {
    if (nowMs - this.#reportedAtMs < REPORT_INTERVAL_MS) return false;
    if (this.#reported === null ? isEmpty(load) : !differs(this.#reported, load)) return false;
    this.#reported = load;
    this.#reportedAtMs = nowMs;
    return true;
  }
}

/** Steps that matter: a tenth of the processor or of memory, 5 °C, a twentieth of the battery. */
const STEPS = { cpuRatio: 0.1, memoryRatio: 0.1, temperatureC: 5, batteryRatio: 0.05 } as const;

function differs(a: DeviceLoad, b: DeviceLoad): boolean {
  if (a.throttled !== b.throttled || a.power !== b.power) return true;
  return (Object.keys(STEPS) as (keyof typeof STEPS)[]).some((name) => {
    const [before, after] = [a[name], b[name]];
    return before === null || after === null ? before !== after : Math.abs(before - after) >= STEPS[name];
  });
}

function isEmpty(load: DeviceLoad): boolean {
  return Object.values(load).every((value) => value === null);
}

/** The processor's share jumps about from reading to reading; the rest is steady by nature. Two decimals are plenty. */
function smooth(before: DeviceLoad | null, now: DeviceLoad): DeviceLoad {
  const [old, fresh] = [before?.cpuRatio ?? null, now.cpuRatio];
  const cpuRatio = old === null || fresh === null ? (fresh ?? old) : old + CPU_WEIGHT * (fresh - old);
  return { ...now, cpuRatio: round(cpuRatio), memoryRatio: round(now.memoryRatio) };
}

function round(ratio: number | null): number | null {
  return ratio === null ? null : Math.round(ratio * 100) / 100;
}
