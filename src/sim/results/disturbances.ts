// When a scenario changes: the moments that its plots mark and its event table lists.

import type { Scenario, ScenarioEvent } from '../scenario.ts';

const LABELS_MAX = 3;

/** Moments at which the scenario changes, one for all that happens at the same time. */
export function disturbancesOf({ events, clients, durationMs }: Scenario): { atS: number; label: string }[] {
  const moments = new Map<number, string[]>();
  const add = (atMs: number, label: string): void => {
    if (atMs > 0 && atMs < durationMs) moments.set(atMs, [...(moments.get(atMs) ?? []), label]);
  };
  for (const event of events) {
    add(event.atMs, labelOf(event));
    if ('forMs' in event) add(event.atMs + event.forMs, `${event.kind} over`);
  }
  for (const { fromMs, untilMs } of clients) {
    add(fromMs, 'clients arrive');
    add(untilMs, 'clients leave');
  }
  return [...moments]
    .sort(([a], [b]) => a - b)
    .map(([atMs, labels]) => ({ atS: atMs / 1_000, label: labelOfAll(labels) }));
}

/** Many that happen at once are listed by kind and number. */
function labelOfAll(labels: readonly string[]): string {
  if (labels.length <= LABELS_MAX) return labels.join(', ');
  const kinds = [...new Set(labels.map((label) => label.replace(/ i\d+$/, '')))];
  return `${kinds.join(', ')} × ${labels.length}`;
}

function labelOf(event: ScenarioEvent): string {
  if (event.kind === 'broker') return `broker ${event.how}`;
  if (event.kind === 'restart') return `${event.state} restart`;
  return 'instance' in event ? `${event.kind} ${event.instance}` : event.kind;
}
