// What a process begins with and leaves behind: what its routers learned and where instances ran, kept by the store. Without a
// store it begins with nothing.

import type { StoreConfig } from '../config/config.ts';
import type { Placement } from '../placement/placement.ts';
import type { Prober } from '../probe/prober.ts';
import type { StoreFacts } from '../store/metrics.ts';
import type { RestoredState, StoreState } from '../store/state.ts';
import { openStore, type Store } from '../store/store.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { DataPlanes } from './data-planes.ts';

/** What takes back what was kept, and is asked for it again. */
export interface WarmParts {
  readonly dataPlanes: DataPlanes;
  readonly placement: Placement;
  readonly prober: Prober;
}

export interface WarmRestartOptions {
  readonly config: StoreConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The process before this one may have the file yet, which is then no reason to fail. */
  readonly succeeds: boolean;
  /** Asked for once the start has begun. */
  readonly parts: () => WarmParts;
  readonly onHealth: (health: { readonly ok: boolean; readonly reason: string }) => void;
}

export class WarmRestart {
  readonly #options: WarmRestartOptions;
  readonly #store: Store | null;
  /** A thread of this process still waits for the disk. */
  heldByDisk = false;

  constructor(options: WarmRestartOptions) {
    const { log, metrics, succeeds, onHealth } = options;
    const { path, flushMs } = options.config;
    this.#options = options;
    this.#store =
      path === null
        ? null
        : openStore({
            path,
            flushMs,
            log,
            metrics,
            // It was free before, and the process that served is gone: traffic goes on.
            inUse: succeeds ? 'go-on' : 'fail',
            onLate: (kept) => this.#restoreLate(kept),
            onHealth,
          });
  }

  /** The file, while it is open. */
  get path(): string | null {
    return this.#store?.openPath ?? null;
  }

  /**
   * Before the first request can come: it is routed by what was known. Returns whether anything was.
   *
   * @throws CommandError when another process uses the file
   */
  async restore(): Promise<boolean> {
    const kept = (await this.#store?.load()) ?? null;
    const { dataPlanes, placement, prober } = this.#options.parts();
    const rtts = (kept?.routers ?? []).flatMap((router) => Object.entries(router.rtts));
    for (const [nodeId] of rtts) prober.know(nodeId);
    if (kept?.placement) placement.import(kept.placement, kept.ageMs);
    placement.reportStatic();
    dataPlanes.send({ kind: 'start', learned: kept?.routers ?? [], ageMs: kept?.ageMs ?? 0 });
    for (const [nodeId, rttMs] of rtts) placement.observeRtt(nodeId, rttMs);
    return kept !== null;
  }

  /** The disk took longer than a start waits. What the broker has said by now is newer than what was kept of it. */
  #restoreLate(kept: RestoredState): void {
    const { dataPlanes, placement } = this.#options.parts();
    const heard = placement.state().broker?.connected ?? false;
    if (kept.placement && !heard) placement.import(kept.placement, kept.ageMs);
    dataPlanes.send({ kind: 'start', learned: kept.routers, ageMs: kept.ageMs });
    this.#options.log.info({ ageMs: kept.ageMs }, 'learned state came back late');
  }

  /** Keeps what is learned from now on. */
  start(): void {
    this.#store?.start(() => this.#learned());
  }

  #learned(): StoreState {
    const { dataPlanes, placement } = this.#options.parts();
    return { routers: dataPlanes.snapshots(), placement: placement.export() };
  }

  facts(): StoreFacts | null {
    return this.#store?.facts() ?? null;
  }

  /** A last write. Never throws. */
  async close(): Promise<void> {
    if ((await this.#store?.close()) === false) this.heldByDisk = true;
  }
}
