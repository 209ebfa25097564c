// What the composition root gives to the admin port.

import type { AdminConfig } from '../config/config.ts';
import type { PolicyChoice } from '../core/policies/registry.ts';
import type { Logger, LogLevel } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { StateSources } from './state/reader.ts';

export interface AdminOptions extends StateSources {
  readonly config: AdminConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** A time of `clock` as wall clock, ms since the epoch. */
  readonly wallMsOf: (clockMs: number) => number;
  /** Gives a service another policy; what its old one learned is lost. */
  readonly setPolicy: (service: string, policy: PolicyChoice) => Promise<void> | void;
  readonly setLogLevel: (level: LogLevel) => Promise<void> | void;
}
