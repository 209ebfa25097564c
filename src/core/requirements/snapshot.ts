// What is kept of the requirements over a restart: what each share is held to, the prices, and the credits of the clients.

import { numberOf, recordOf } from '../snapshot-shape.ts';
import type { RequirementBooks } from './books.ts';

/** Rows of clients by name. */
type ClientRows = Iterable<{ readonly clientId: string; readonly row: number }>;

/** Returns what the books keep over a restart, as plain JSON. */
export function snapshotRequirements(books: RequirementBooks, clients: ClientRows): unknown {
  const { asked, quotas, heldShares, prices } = books;
  const credits: [string, ...number[]][] = [];
  for (const { clientId, row } of clients) {
    const ofShares = asked.shares.map((_, k) => Math.round(quotas.credit(row, k) * 1000) / 1000);
    if (ofShares.some((credit) => credit !== 0)) credits.push([clientId, ...ofShares]);
  }
  return {
    shares: Object.fromEntries(asked.shares.map(({ name }, k) => [name, heldShares[k]])),
    prices: Object.fromEntries(Object.entries(prices).map(([name, { value }]) => [name, value])),
    credits,
  };
}

/** Takes back what fits; `rowOf` is the row of a client that is known, else null. */
export function restoreRequirements(
  books: RequirementBooks,
  snapshot: unknown,
  rowOf: (clientId: string) => number | null,
): void {
  const { shares, prices, credits } = recordOf(snapshot);
  const held = recordOf(shares);
  for (const [k, { name, share }] of books.asked.shares.entries()) {
    books.heldShares[k] = numberOf(held[name], { min: 0, max: share, otherwise: share });
  }
  const saved = recordOf(prices);
  for (const [name, price] of Object.entries(books.prices)) {
    price.set(numberOf(saved[name], { min: 0, max: Number.MAX_VALUE, otherwise: 0 }));
  }
  for (const entry of Array.isArray(credits) ? (credits as readonly unknown[]) : []) {
    if (Array.isArray(entry)) restoreCredits(books, entry, rowOf);
  }
}

function restoreCredits(
  { asked, quotas }: RequirementBooks,
  [clientId, ...credits]: readonly unknown[],
  rowOf: (clientId: string) => number | null,
): void {
  const row = typeof clientId === 'string' ? rowOf(clientId) : null;
  if (row === null) return;
  quotas.ensureRows(row + 1);
  for (const k of asked.shares.keys()) {
    quotas.setCredit(row, k, numberOf(credits[k], { min: -1e6, max: 1e6, otherwise: 0 }));
  }
}
