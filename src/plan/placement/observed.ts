// What running nodes have measured, as a table of sites (sites-file.ts): each knows its own round trips and its own requests. A pair that
// neither end has measured is as far apart as the shortest way over those that are.

import { ConfigError } from '../../errors.ts';
import { NODES_MAX } from './sites-file.ts';

/** What one node says of itself. */
export interface ObservedNode {
  readonly node: string;
  /** Requests per second that its clients send. */
  readonly rate: number;
  /** Node → round trip, ms. */
  readonly rttMs: ReadonlyMap<string, number>;
}

/** A table for `parseSites`. */
export interface ObservedSites {
  readonly csv: string;
  /** Pairs of nodes whose distance nothing has measured. */
  readonly estimated: number;
}

/** @throws ConfigError where a node has a name that the table cannot hold, or there are more than it can */
export function observedSites(observed: readonly ObservedNode[]): ObservedSites {
  const names = [...new Set(observed.flatMap(({ node, rttMs }) => [node, ...rttMs.keys()]))].sort();
  const odd = names.find((name) => !/^[\w.-]{1,64}$/.test(name));
  if (odd !== undefined)
    throw refused(`expected names of letters, digits, ".", "_" and "-", at most 64, got ${JSON.stringify(odd)}`);
  if (names.length > NODES_MAX) throw refused(`expected at most ${NODES_MAX} nodes, got ${names.length}`);
  const measured = measuredBetween(names, observed);
  const shortest = shortestWays(measured);
  const rate = new Map(observed.map((one) => [one.node, one.rate]));
  const lines = names.map((name, i) => {
    const row = (shortest[i] as readonly number[]).map((ms) => (Number.isFinite(ms) ? String(ms) : 'none'));
    return [name, String(rate.get(name) ?? 0), ...row].join(',');
  });
  const missing = measured.flatMap((row, i) => row.filter((ms, j) => j > i && !Number.isFinite(ms)));
  return { csv: [['node', 'rate', ...names].join(','), ...lines].join('\n'), estimated: missing.length };
}

function refused(message: string): ConfigError {
  return new ConfigError([{ file: 'nodes', line: 0, column: 0, path: '', message }]);
}

/** The lesser of what both ends have measured; +Infinity where neither has. */
function measuredBetween(names: readonly string[], observed: readonly ObservedNode[]): number[][] {
  const index = new Map(names.map((name, i) => [name, i]));
  const between = names.map((_, i) => names.map((__, j) => (i === j ? 0 : Number.POSITIVE_INFINITY)));
  for (const { node, rttMs } of observed) {
    const i = index.get(node) as number;
    for (const [other, ms] of rttMs) {
      const j = index.get(other) as number;
      if (i === j) continue;
      const least = Math.min(between[i]?.[j] as number, ms);
      (between[i] as number[])[j] = least;
      (between[j] as number[])[i] = least;
    }
  }
  return between;
}

/** Measured where it is; else Floyd and Warshall over what is measured. */
function shortestWays(measured: readonly (readonly number[])[]): number[][] {
  const ways = measured.map((row) => [...row]);
  for (const via of ways.keys()) {
    for (const from of ways) {
      for (const to of ways.keys()) {
        from[to] = Math.min(from[to] as number, (from[via] as number) + (ways[via]?.[to] as number));
      }
    }
  }
  return ways.map((row, i) =>
    row.map((ms, j) => (Number.isFinite(measured[i]?.[j]) ? (measured[i]?.[j] as number) : ms)),
  );
}
