// What this process and its machine use: memory, CPU, the event loop. Read on demand, never by a timer.

import { readdirSync } from 'node:fs';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/** This process, as the system counts it; sizes in bytes, times in ms or seconds as named. */
export interface ProcessFacts {
  readonly pid: number;
  /** Wall clock, ms since the epoch. */
  readonly startedMs: number;
  readonly uptimeMs: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  readonly cpuUserSeconds: number;
  readonly cpuSystemSeconds: number;
  /** Cores in use over the last second or so; 1 is one core fully busy. */
  readonly cpuCores: number;
  /** Share of the time in which the event loop had work, over the last second or so, in [0, 1]. */
  readonly eventLoopUtilizationRatio: number;
  /** Null where the system does not report it. */
  readonly openFileDescriptors: number | null;
  readonly machineCores: number;
  readonly machineMemoryBytes: number;
  readonly machineMemoryFreeBytes: number;
  readonly machineLoad1: number;
}

/** Rates are taken between two readings at least this far apart; in between the last rate stands. */
const RATE_WINDOW_MS_MIN = 900;

/**
 * Makes a reader of this process's facts; `wallMsOf`: a time of `performance.now` as wall clock. Each call costs some tens of microseconds
 * and a directory listing.
 */
export function createProcessFacts(wallMsOf: (clockMs: number) => number): () => ProcessFacts {
  let markMs = performance.now();
  let markCpu = process.cpuUsage();
  let markLoop = performance.eventLoopUtilization();
  let cpuCores = 0;
  let loopRatio = 0;

  function refreshRates(nowMs: number): void {
    const elapsedMs = nowMs - markMs;
    if (elapsedMs < RATE_WINDOW_MS_MIN) return;
    const cpu = process.cpuUsage(markCpu);
    cpuCores = (cpu.user + cpu.system) / 1000 / elapsedMs;
    loopRatio = performance.eventLoopUtilization(markLoop).utilization;
    markMs = nowMs;
    markCpu = process.cpuUsage();
    markLoop = performance.eventLoopUtilization();
  }

  return () => {
    refreshRates(performance.now());
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    return {
      pid: process.pid,
      startedMs: wallMsOf(0),
      uptimeMs: performance.now(),
      residentBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      heapTotalBytes: memory.heapTotal,
      externalBytes: memory.external,
      cpuUserSeconds: cpu.user / 1e6,
      cpuSystemSeconds: cpu.system / 1e6,
      cpuCores,
      eventLoopUtilizationRatio: loopRatio,
      openFileDescriptors: countFileDescriptors(),
      machineCores: availableParallelism(),
      machineMemoryBytes: totalmem(),
      machineMemoryFreeBytes: freemem(),
      machineLoad1: loadavg()[0] ?? 0,
    };
  };
}

/** The `process_*` names that every Prometheus client library uses, and build facts as labels. */
export function registerProcessMetrics(
  metrics: Metrics,
  facts: () => ProcessFacts,
  build: { readonly version: string; readonly commit: string },
): void {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with();
  const cpu = metrics
    .counter({ name: 'process_cpu_seconds_total', help: 'User and system CPU time spent in seconds.' })
    .with();
  const resident = gauge('process_resident_memory_bytes', 'Resident memory size in bytes.');
  const heap = gauge('nodejs_heap_used_bytes', 'JavaScript heap in use in bytes.');
  const started = gauge('process_start_time_seconds', 'Start time of the process since the epoch in seconds.');
  const descriptors = gauge('process_open_fds', 'Open file descriptors.');
  const loop = gauge('nodejs_eventloop_utilization_ratio', 'Share of time in which the event loop had work.');
  metrics
    .gauge({
      name: 'qedge_build_info',
      help: 'Always 1; what is running.',
      labels: ['version', 'commit', 'nodejs', 'arch'],
    })
    .with(build.version, build.commit, process.versions.node, process.arch)
    .set(1);
  metrics.onScrape(() => {
    const now = facts();
    cpu.increment(now.cpuUserSeconds + now.cpuSystemSeconds - cpu.value);
    resident.set(now.residentBytes);
    heap.set(now.heapUsedBytes);
    started.set(now.startedMs / 1000);
    descriptors.set(now.openFileDescriptors ?? 0);
    loop.set(now.eventLoopUtilizationRatio);
  });
}

function countFileDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}
