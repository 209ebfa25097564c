// What became of the last reload, and what still waits for a restart: for the log, the events, the API and the scraper.

import type { ConfigurationFacts, NodeEvent } from '../admin/state/state.ts';
import type { Config } from '../config/config.ts';
import { diffConfig } from '../config/diff.ts';
import { ConfigError, formatProblem } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Gauge, Metrics } from '../telemetry/metrics.ts';

export interface ReloadRecordOptions {
  /** What this process started with. */
  readonly started: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onEvent: (event: NodeEvent) => void;
}

export class ReloadRecord {
  readonly #options: ReloadRecordOptions;
  readonly #successful: Gauge;
  readonly #succeededSeconds: Gauge;
  #facts: ConfigurationFacts = { reloadedMs: null, problems: [], restartKeys: [] };

  constructor(options: ReloadRecordOptions) {
    this.#options = options;
    const gauge = (name: string, help: string) => options.metrics.gauge({ name, help }).with();
    this.#successful = gauge(
      'qedge_config_last_reload_successful',
      'Whether the last reload was taken over (1) or refused (0).',
    );
    this.#succeededSeconds = gauge(
      'qedge_config_last_reload_success_timestamp_seconds',
      'When the configuration was last taken over, since the epoch.',
    );
    this.#successful.set(1);
    this.#succeededSeconds.set(Date.now() / 1000);
  }

  get facts(): ConfigurationFacts {
    return this.#facts;
  }

  succeeded(config: Config): void {
    const { started, log, onEvent } = this.#options;
    // Held against what runs, not against the last reload: a value that is set back waits for nothing.
    const { restart } = diffConfig(started, config);
    this.#facts = { reloadedMs: Date.now(), problems: [], restartKeys: restart };
    this.#successful.set(1);
    this.#succeededSeconds.set(Date.now() / 1000);
    onEvent({ kind: 'lifecycle', phase: 'reloaded', detail: '' });
    log.info({ services: config.services.map(({ name }) => name) }, 'configuration reloaded');
    if (restart.length > 0) log.warn({ keys: restart }, 'changed keys take a restart');
  }

  refused(error: unknown): void {
    const { log, onEvent } = this.#options;
    const problems =
      error instanceof ConfigError
        ? error.problems.map(formatProblem)
        : [error instanceof Error ? error.message : String(error)];
    this.#facts = { ...this.#facts, reloadedMs: Date.now(), problems };
    this.#successful.set(0);
    onEvent({ kind: 'lifecycle', phase: 'reload refused', detail: problems.join('; ') });
    log.error({ problems }, 'reload refused, nothing changed');
  }
}
