// What became of the last reload, and what still waits for a restart: for the log, the events, the API and the scraper.

import type { ConfigurationFacts, NodeEvent } from '../admin/state/state.ts';
import type { Config } from '../config/config.ts';
import { diffConfig } from '../config/diff.ts';
import type { Clock } from '../core/clock.ts';
import { ConfigError, formatProblem } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Gauge, Metrics } from '../telemetry/metrics.ts';

export interface ReloadRecordOptions {
  /** What this process started with. */
  readonly started: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onEvent: (event: NodeEvent) => void;
  readonly clock: Clock;
  /** A time of `clock` as wall clock, ms since the epoch. */
  readonly wallMsOf: (clockMs: number) => number;
}

export class ReloadRecord {
  readonly #options: ReloadRecordOptions;
  readonly #successful: Gauge;
  #facts: Omit<ConfigurationFacts, 'reloadedMs'> = { problems: [], restartKeys: [] };
  /** When it was last tried, and last taken over, on the clock; null: not since the start. */
  #reloadedMs: number | null = null;
  #succeededMs: number;

  constructor(options: ReloadRecordOptions) {
    this.#options = options;
    const gauge = (name: string, help: string) => options.metrics.gauge({ name, help }).with();
    this.#successful = gauge(
      'qedge_config_last_reload_successful',
      'Whether the last reload was taken over (1) or refused (0).',
    );
    const succeededSeconds = gauge(
      'qedge_config_last_reload_success_timestamp_seconds',
      'When the configuration was last taken over, since the epoch.',
    );
    this.#successful.set(1);
    this.#succeededMs = options.clock.nowMs();
    options.metrics.onScrape(() => succeededSeconds.set(options.wallMsOf(this.#succeededMs) / 1000));
  }

  get facts(): ConfigurationFacts {
    const reloadedMs = this.#reloadedMs === null ? null : this.#options.wallMsOf(this.#reloadedMs);
    return { ...this.#facts, reloadedMs };
  }

  succeeded(config: Config): void {
    const { started, log, onEvent, clock } = this.#options;
    // Held against what runs, not against the last reload: a value that is set back waits for nothing.
    const { restart } = diffConfig(started, config);
    this.#facts = { problems: [], restartKeys: restart };
    this.#reloadedMs = clock.nowMs();
    this.#succeededMs = this.#reloadedMs;
    this.#successful.set(1);
    onEvent({ kind: 'lifecycle', phase: 'reloaded', detail: '' });
    log.info({ services: config.services.map(({ name }) => name) }, 'configuration reloaded');
    if (restart.length > 0) log.warn({ keys: restart }, 'changed keys take a restart');
  }

  refused(error: unknown): void {
    const { log, onEvent, clock } = this.#options;
    const problems =
      error instanceof ConfigError
        ? error.problems.map(formatProblem)
        : [error instanceof Error ? error.message : String(error)];
    this.#facts = { ...this.#facts, problems };
    this.#reloadedMs = clock.nowMs();
    this.#successful.set(0);
    onEvent({ kind: 'lifecycle', phase: 'reload refused', detail: problems.join('; ') });
    log.error({ problems }, 'reload refused, nothing changed');
  }
}
