// States, clocks and logs for tests of the store.

import { pino } from 'pino';
import type { Instance } from '../../src/core/domain.ts';
import type { RouterSnapshot } from '../../src/core/service-router.ts';
import type { BootClock } from '../../src/store/boot-clock.ts';
import type { PlacementState, StoreState } from '../../src/store/state.ts';
import { openStore, type Store, type StoreOptions } from '../../src/store/store.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';

/** A machine whose boots, uptime and wall clock a test turns by hand. */
export class FakeBootClock implements BootClock {
  bootId: string | null = 'boot-1';
  #uptimeMs = 1000;
  #wallMs = Date.UTC(2026, 0, 1);

  uptimeMs(): number {
    return this.#uptimeMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  advance(ms: number): void {
    this.#uptimeMs += ms;
    this.#wallMs += ms;
  }

  setWall(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  reboot(bootId: string, uptimeMs: number): void {
    this.bootId = bootId;
    this.#uptimeMs = uptimeMs;
  }
}

export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Bench {
  readonly store: Store;
  readonly metrics: Metrics;
  readonly lines: readonly Line[];
}

/** A store with its log and metrics in reach; nothing is written but by `flush` and `close`. */
export function openBench(path: string, options: Partial<StoreOptions> = {}): Bench {
  const lines: Line[] = [];
  const destination = { write: (text: string) => void lines.push(JSON.parse(text) as Line) };
  const log = pino({ base: {}, formatters: { level: (level) => ({ level }) } }, destination);
  const metrics = createMetrics();
  return {
    store: openStore({ path, flushMs: 1_000_000, loadMsMax: 60_000, log, metrics, ...options }),
    metrics,
    lines,
  };
}

export function snapshotOf(service: string, instances: Readonly<Record<string, unknown>>): RouterSnapshot {
  return {
    version: 1,
    service,
    fingerprint: `${service}-fingerprint`,
    rtts: { 'pi-1': 1.5 },
    policy: { version: 1, explorationShare: 0.3, instances },
    clients: [['camera-1', 100, 92]],
  };
}

export function instanceOf(service: string, nodeId: string, port: number): Instance {
  return { service, nodeId, id: String(port), scheme: 'http', host: '10.0.0.1', port, labels: {}, profile: null };
}

export function placementOf(instances: readonly Instance[]): PlacementState {
  const node = { id: 'pi-1', address: '10.0.0.1', probePort: 8080, tier: null, labels: {}, boot: 'b' };
  return {
    version: 1,
    nodes: [{ node, lostForMs: null }],
    instances: instances.map((instance) => ({ source: 'native', instance, boot: 'b' })),
  };
}

export const EMPTY: StoreState = { routers: [], placement: null };
