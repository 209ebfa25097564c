// What a registry says, as a scraper reads it.

import type { Metrics } from '../../src/telemetry/metrics.ts';

export function textOf(metrics: Metrics): string {
  return [...metrics.render()].join('');
}
