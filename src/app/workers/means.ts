// Sums and means of what several event loops say.

import { CLIENTS_SHOWN_MAX } from '../../core/standing.ts';

/** Sum of a value of each. */
export function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/**
 * A share of the clients: of those that are listed, `merged`, where each event loop lists all of its own. A list that is cut
 * shows the worst alone, so that the shares of the event loops are merged instead, by how many clients each lists.
 */
export function shareOfClients<State extends { readonly clients: readonly unknown[] }>(
  states: readonly State[],
  ratio: (state: State) => number | null,
  merged: number | null,
): number | null {
  const isCut = states.some(({ clients }) => clients.length >= CLIENTS_SHOWN_MAX);
  return isCut ? weighted(states, ratio, ({ clients }) => clients.length) : merged;
}

/** Mean over those that have a value; evenly when none has any weight. Null when none has a value. */
export function weighted<Item>(
  items: readonly Item[],
  value: (item: Item) => number | null,
  weight: (item: Item) => number,
): number | null {
  const known = items.flatMap((item) => {
    const one = value(item);
    return one === null ? [] : [{ one, by: weight(item) }];
  });
  if (known.length === 0) return null;
  const total = sum(known, ({ by }) => by);
  if (total === 0) return sum(known, ({ one }) => one) / known.length;
  return sum(known, ({ one, by }) => one * by) / total;
}
