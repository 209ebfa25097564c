// The swaps that the annealing draws from: of each client with those that are most like it, since towards the end no others are taken,
// and with a few others. What a swap changes is computed once.

import type { Rng } from '../../../core/rng.ts';
import type { ClassCounts } from '../divergence.ts';

/** A client is swapped with so many that are most like it. */
const NEAR = 16;
/** To find them takes clients² · classes; beyond this, all are drawn. */
const NEAR_WORK_MAX = 100_000_000;
/** And with so many that are drawn. */
const FAR = 4;
/** Changes that are kept; a client has fewer swaps where it would be more. */
const CHANGES_MAX = 8_000_000;
/** All samples together are so many units at the most, as counts are 32-bit integers. */
const UNITS_MAX = 2 ** 30;

/** Which clients can be in which cluster, where not all can be in all. */
export interface Links {
  /** The cluster of each client at first; each can be there. */
  readonly start: Int32Array;
  readonly has: (client: number, cluster: number) => boolean;
}

/** Swaps of two clients, by number. */
export interface Swaps {
  /** Swap s is one of client ⌊s / perClient⌋ … */
  readonly perClient: number;
  /** … with this one. */
  readonly partner: Int32Array;
  /** Where the changes of each swap begin; those of the next one end them. */
  readonly from: Int32Array;
  readonly classes: Int32Array;
  /** How many samples of that class the partner has more than the client, in units. */
  readonly changes: Int32Array;
  /** Units by class, client by client. */
  readonly units: readonly Int32Array[];
}

/**
 * Counts are divided by what divides all of them: divergence is of shares, and logarithms of small counts are at hand. Of what a client
 * has a unit is left at the least: a cluster without any has no divergence.
 */
export function swapsOf({ byClient, total }: ClassCounts, rng: Rng): Swaps {
  const all = total.reduce((sum, count) => sum + count, 0);
  const unit = Math.max(byClient.flatMap((counts) => [...counts]).reduce(greatestDivisor, 0), all / UNITS_MAX);
  const unitsOf = (count: number): number => (count > 0 ? Math.max(1, Math.round(count / unit)) : 0);
  const units = byClient.map((counts) => Int32Array.from(counts, unitsOf));
  const partners = partnersOf(units, total, rng);
  const perClient = partners[0]?.length ?? 0;
  const from = new Int32Array(units.length * perClient + 1);
  const classes: number[] = [];
  const changes: number[] = [];
  for (const [a, own] of units.entries()) {
    for (const [p, b] of (partners[a] as readonly number[]).entries()) {
      for (const [c, count] of (units[b] as Int32Array).entries()) {
        if (count === own[c]) continue;
        classes.push(c);
        changes.push(count - (own[c] as number));
      }
      from[a * perClient + p + 1] = classes.length;
    }
  }
  return {
    perClient,
    partner: Int32Array.from(partners.flat()),
    from,
    classes: Int32Array.from(classes),
    changes: Int32Array.from(changes),
    units,
  };
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** The same number for each client. */
function partnersOf(units: readonly Int32Array[], total: Float64Array, rng: Rng): number[][] {
  const clients = [...units.keys()];
  if (clients.length <= NEAR + FAR) return clients.map((a) => clients.filter((b) => b !== a));
  const cells = clients.length * total.length;
  const room = Math.max(1, Math.floor(CHANGES_MAX / cells));
  const near = cells * clients.length <= NEAR_WORK_MAX ? Math.min(NEAR, room - 1) : 0;
  return clients.map((a) => {
    const far = Array.from({ length: Math.min(NEAR + FAR, room) - near }, () => drawnOther(a, clients.length, rng));
    return near === 0 ? far : [...nearestTo(a, { units, total }).slice(0, near), ...far];
  });
}

function drawnOther(client: number, clients: number, rng: Rng): number {
  return (client + 1 + Math.floor(rng.next() * (clients - 1))) % clients;
}

/** All others, the one with the least difference first, in parts of what there is of each class. */
function nearestTo(
  client: number,
  { units, total }: { readonly units: readonly Int32Array[]; readonly total: Float64Array },
): number[] {
  const own = units[client] as Int32Array;
  const away = units.map((other) =>
    other.reduce((sum, count, c) => sum + (count - (own[c] as number)) ** 2 / (total[c] as number), 0),
  );
  const others = [...units.keys()].filter((other) => other !== client);
  return others.sort((a, b) => (away[a] as number) - (away[b] as number));
}
