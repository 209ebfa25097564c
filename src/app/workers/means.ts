// Sums and means of what several event loops say.

/** Sum of a value of each. */
export function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
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
