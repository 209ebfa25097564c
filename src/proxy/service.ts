// A service as the data path knows it: its definition, its router, the pools of its instances, and what it has in flight.

import type { ServiceConfig } from '../config/config.ts';
import type { Candidate, InstanceKey } from '../core/domain.ts';
import type { ServiceRouter } from '../core/service-router.ts';
import { type VerdictRules, verdictRules } from '../core/verdict/rules.ts';
import { type ClientTls, clientTls } from '../net/tls.ts';
import { DeadlineFeasibility } from './exchange/arrival/deadline-feasibility.ts';
import { FirstPlacement, type PlacementWaiter } from './exchange/arrival/first-placement.ts';
import { CheckBudget } from './exchange/attempt/body/check-budget.ts';
import { StreamEnds } from './exchange/attempt/body/event-stream.ts';
import { RetryBudget } from './exchange/attempt/retry.ts';
import { SlowClients } from './exchange/client/slow-clients.ts';
import { TimeoutList } from './exchange/time/timeout-list.ts';
import { type HealthChecker, type OnHealth, startHealthChecks } from './health.ts';
import type { ProxyMetrics, ServiceMetrics } from './metrics.ts';
import { InstancePool } from './upstream/pool.ts';

/** What all services share. */
export interface RuntimeShared {
  readonly metrics: ProxyMetrics;
  readonly nowMs: () => number;
  /** An instance's active health checks changed their mind; null: none are made. */
  readonly onHealth: OnHealth | null;
}

export interface RuntimeOptions extends RuntimeShared {
  /** Instances that its health checks found failed, while it was defined otherwise. */
  readonly failed: ReadonlySet<InstanceKey>;
  /** Placement may yet say where it runs, and nothing was known of it before. */
  readonly awaited: boolean;
}

/** A service on the data path; one a data plane. */
export class ServiceRuntime {
  readonly name: string;
  readonly config: ServiceConfig;
  readonly router: ServiceRouter;
  readonly metrics: ServiceMetrics;
  readonly retryBudget: RetryBudget;
  readonly checkBudget = new CheckBudget();
  readonly streamEnds = new StreamEnds();
  /** What its answers are worth. */
  readonly rules: VerdictRules;
  readonly #tls: ClientTls;
  readonly #nowMs: () => number;
  /** Connections to each instance, indexed by handle of the candidate. */
  readonly #pools: (InstancePool | undefined)[] = [];
  readonly feasibility: DeadlineFeasibility;
  /** Limits of the attempts that the client set no deadline for. */
  readonly timeouts: TimeoutList;
  readonly firstPlacement: FirstPlacement;
  readonly slowClients = new SlowClients();
  readonly #health: HealthChecker | null;
  inFlight = 0;
  /** The service as a reload defines it, from when it is retired. */
  successor: ServiceRuntime | null = null;
  #retired = false;

  constructor(config: ServiceConfig, router: ServiceRouter, options: RuntimeOptions) {
    const { metrics, nowMs, onHealth, awaited, failed } = options;
    this.name = config.name;
    this.config = config;
    this.router = router;
    this.metrics = metrics.ofService(config.name);
    this.timeouts = new TimeoutList(config.timeoutMs, nowMs);
    this.feasibility = new DeadlineFeasibility(router);
    this.retryBudget = new RetryBudget(config.retry);
    this.rules = verdictRules({ ...config.failure, statuses: failureStatuses(config) }, config.retry.statuses);
    this.#tls = clientTls(config.caFile);
    this.#nowMs = nowMs;
    this.firstPlacement = new FirstPlacement(awaited);
    const { health } = config;
    this.#health =
      health === null || onHealth === null
        ? null
        : startHealthChecks({
            config: health,
            tls: this.#tls,
            instances: () => router.candidates.map(({ instance }) => instance),
            onHealth: (change) => onHealth(config.name, change),
            phase: Math.random(),
            failed,
          });
  }

  /** Whether a request that found no instance waits for the first, `msMax` at most; then it is woken. */
  awaits(request: PlacementWaiter, msMax: number): boolean {
    return this.router.candidates.length === 0 && this.firstPlacement.hold(request, msMax);
  }

  /** Handles are reused once an instance is gone, so a pool is only good for the very instance it was made for. */
  poolOf(candidate: Candidate): InstancePool {
    const known = this.#pools[candidate.handle];
    if (known !== undefined && known.instance === candidate.instance) return known;
    known?.retire();
    const pool = new InstancePool(candidate.instance, this.config, this.#tls, this.#nowMs);
    this.#pools[candidate.handle] = pool;
    // The pool serves what was begun before: nothing else would ever close its idle connections.
    if (this.#retired) pool.retire();
    return pool;
  }

  /** Closes connections that lay idle for too long, and all idle ones to instances that are gone. */
  sweep(nextMs: number): void {
    const live = new Set(this.router.candidates.map((candidate) => candidate.instance));
    this.#pools.forEach((pool, handle) => {
      if (pool === undefined) return;
      if (live.has(pool.instance)) {
        pool.sweep(nextMs);
        return;
      }
      pool.retire();
      this.#pools[handle] = undefined;
    });
  }

  /** No more requests come this way; what is in flight ends as it will, and what waits for an instance goes on to `successor`. */
  retire(successor: ServiceRuntime | null = null): void {
    this.#retired = true;
    this.successor = successor;
    this.#health?.stop();
    this.firstPlacement.end();
    this.#pools.forEach((pool, handle) => {
      pool?.retire();
      this.#pools[handle] = undefined;
    });
  }

  /** Instances that its health checks found failed, as last reported. */
  get failed(): ReadonlySet<InstanceKey> {
    return this.#health?.failed ?? new Set();
  }

  get upstreamConnections(): number {
    return this.#pools.reduce((sum, pool) => sum + (pool?.connections ?? 0), 0);
  }

  get queued(): number {
    return this.#pools.reduce((sum, pool) => sum + (pool?.slots.queued ?? 0), this.firstPlacement.waiting);
  }
}

/** Returns the statuses that are failures, by the list in its present or its earlier form. */
function failureStatuses({ failure, failureStatusMin }: ServiceConfig): readonly number[] {
  if (failureStatusMin === null) return failure.statuses;
  const from = Array.from({ length: 600 - failureStatusMin }, (_, i) => failureStatusMin + i);
  return [...failure.statuses.filter((status) => status < Math.min(500, failureStatusMin)), ...from];
}
