// What keeps an event loop going, by kind, under the name that other programs of Node use: timers, sockets, calls under way. At
// rest it is a few of each; what grows while nothing happens was forgotten.

import type { Metrics } from './metrics.ts';

/** Each event loop counts its own. */
export function registerActiveResources(metrics: Metrics): void {
  const resources = metrics.gauge({
    name: 'nodejs_active_resources',
    help: 'What keeps the event loops going, by kind.',
    labels: ['type'],
  });
  metrics.onScrape(() => {
    const counts = new Map<string, number>();
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    resources.clear();
    for (const [type, count] of counts) resources.with(type).set(count);
  });
}
