// `X-QEdge-Chain: <chain>/<run>`: the request is a stage of a run. One that cannot be is counted and named, and goes on as a
// request of its service alone.

import type { Chain, ChainRefusal, RunStage } from '../../../core/chain/chain.ts';
import { type Logger, RateLimitedLog } from '../../../telemetry/log.ts';
import type { ProxyMetrics } from '../../metrics.ts';
import type { ServiceRuntime } from '../../service.ts';

/** Why the field was of no effect. */
export type ChainProblem = ChainRefusal | 'malformed' | 'unknown-chain';

/** The name of a run is not for people: any printable text without a space. */
const FIELD = /^([^/]+)\/([\x21-\x7e]{1,128})$/;

const LOG_INTERVAL_MS = 60_000;

/** The chains of a data plane, as requests name them. */
export class ChainEntry {
  readonly #chains: ReadonlyMap<string, Chain>;
  readonly #metrics: ProxyMetrics;
  readonly #log: Logger;
  readonly #limit = new RateLimitedLog(LOG_INTERVAL_MS);

  constructor(chains: ReadonlyMap<string, Chain>, { metrics, log }: { metrics: ProxyMetrics; log: Logger }) {
    this.#chains = chains;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Begins a stage, whose service comes to steer by the time that the run has left for it. Null: the request is none. */
  enter(field: string, clientId: string, { name: service, router }: ServiceRuntime, nowMs: number): RunStage | null {
    const [, name = '', run = ''] = FIELD.exec(field) ?? [];
    const chain = this.#chains.get(name);
    const stage: RunStage | ChainProblem =
      run === '' ? 'malformed' : (chain?.begin({ clientId, run, service }, nowMs) ?? 'unknown-chain');
    if (typeof stage !== 'string') {
      router.aim(stage.aimMs);
      return stage;
    }
    const known = chain?.name ?? '';
    this.#metrics.chainIgnored(known, stage);
    const suppressed = this.#limit.admit(`${known}/${stage}`, nowMs);
    if (suppressed !== null)
      this.#log.warn({ field, service, reason: stage, suppressed }, 'request is no stage of a chain');
    return null;
  }
}
